// Memory for numbers, aligned to whole vectors.
#pragma once

#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

namespace handgrad {

inline constexpr std::size_t alignment = 64;

// Products of sizes that a caller chose; std::bad_alloc where memory could never hold them.
inline std::size_t product(std::size_t a, std::size_t b) {
    if (b != 0 && a > std::numeric_limits<std::ptrdiff_t>::max() / b) throw std::bad_alloc();
    return a * b;
}

template <class T> class Buffer {
  public:
    Buffer() = default;
    explicit Buffer(std::size_t size)
        : size_(size),
          data_(static_cast<T*>(
              ::operator new(product(size + 1, sizeof(T)), std::align_val_t(alignment)))) {}

    static Buffer zeros(std::size_t size) {
        Buffer buffer(size);
        std::memset(static_cast<void*>(buffer.data()), 0, size * sizeof(T));
        return buffer;
    }

    T* data() const { return data_.get(); }
    std::size_t size() const { return size_; }
    T& operator[](std::size_t i) const { return data_.get()[i]; }

  private:
    struct Free {
        void operator()(T* data) const { ::operator delete(data, std::align_val_t(alignment)); }
    };
    std::size_t size_ = 0;
    std::unique_ptr<T, Free> data_;
};

}  // namespace handgrad
