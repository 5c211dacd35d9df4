// NumPy arrays as the core takes them, and the core's results as NumPy arrays. The caller has
// checked shapes, labels and finiteness; sizes, labels and CSR indices are checked here once more,
// for memory. Another thread, or a callback, may write to the caller's arrays at any time: what
// the core indexes with is copied first and checked then, and the copy is what it uses.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "buffer.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace handgrad {

template <class T> using MatrixIn =
    nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T> using VectorIn =
    nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T> using VectorOut = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T> using Array = nb::ndarray<nb::numpy, T>;

template <class T> struct OwnedArray {  // an array that is handed over to Python
    std::unique_ptr<T[]> data;
    size_t rows, columns;

    OwnedArray(size_t rows, size_t columns)
        : data(new T[product(rows, columns)]), rows(rows), columns(columns) {}
    Array<T> release() { return release({rows, columns}); }
    Array<T> release(std::initializer_list<size_t> shape) {
        T* raw = data.release();
        const nb::capsule owner(raw, [](void* p) noexcept { delete[] static_cast<T*>(p); });
        return Array<T>(raw, shape, owner);
    }
};

template <class T> Buffer<T> copy_of(const VectorIn<T>& values) {
    Buffer<T> copy(values.size());
    std::copy_n(values.data(), values.size(), copy.data());
    return copy;
}

}  // namespace handgrad
