// Memory for numbers, aligned to whole vectors.
#pragma once

#include "types.hpp"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace handgrad {

inline constexpr size_t alignment = 64;
inline constexpr size_t large_page = 2u << 20;

// Memory that is read here and there has few misses of its pages' addresses if they are large.
inline void* allocate(size_t bytes) {
    const size_t border = bytes < large_page ? alignment : large_page;
    void* data = std::aligned_alloc(border, (bytes + border - 1) / border * border);
    if (!data) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    if (bytes >= large_page) madvise(data, bytes, MADV_HUGEPAGE);
#endif
    return data;
}

// Products of sizes that a caller chose; std::bad_alloc where memory could never hold them.
inline size_t product(size_t a, size_t b) {
    if (b != 0 && a > std::numeric_limits<std::ptrdiff_t>::max() / b) throw std::bad_alloc();
    return a * b;
}

template <class T> class Buffer {
  public:
    Buffer() = default;
    explicit Buffer(size_t size)
        : size_(size), data_(static_cast<T*>(allocate(product(size + 1, sizeof(T))))) {}

    static Buffer zeros(size_t size) {
        Buffer buffer(size);
        std::memset(static_cast<void*>(buffer.data()), 0, size * sizeof(T));
        return buffer;
    }

    T* data() const { return data_.get(); }
    size_t size() const { return size_; }
    T& operator[](size_t i) const { return data_.get()[i]; }

  private:
    struct Free {
        void operator()(T* data) const { std::free(data); }
    };
    size_t size_ = 0;
    std::unique_ptr<T, Free> data_;
};

}  // namespace handgrad
