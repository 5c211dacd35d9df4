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
#include <string>
#include <vector>

#include "prepared.hpp"
#include "stepper.hpp"
#include "variants.hpp"

namespace nb = nanobind;

namespace handgrad {

template <class T>
using MatrixIn = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using VectorIn = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T> using VectorOut = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T> using Array = nb::ndarray<nb::numpy, T>;

template <class T> struct Loaned {  // an array that is handed over to Python
    std::unique_ptr<T[]> data;
    std::size_t rows, columns;

    Loaned(std::size_t rows, std::size_t columns)
        : data(new T[product(rows, columns)]), rows(rows), columns(columns) {}
    Array<T> release() {
        T* raw = data.release();
        const nb::capsule owner(raw, [](void* p) noexcept { delete[] static_cast<T*>(p); });
        return Array<T>(raw, {rows, columns}, owner);
    }
};

template <class T> Buffer<T> copy_of(const VectorIn<T>& values) {
    Buffer<T> copy(values.size());
    std::copy_n(values.data(), values.size(), copy.data());
    return copy;
}

// Where CSR rows start, and the columns of what they store: uint16 where those suffice.
struct SparsePlaces {
    Buffer<std::int64_t> starts;
    Buffer<std::int32_t> indices;
    Buffer<std::uint16_t> short_indices;
};

// The rows of a call, and what keeps their memory alive.
struct RowsHandle {
    Rows rows;
    nb::object values;
    std::shared_ptr<const SparsePlaces> places;  // of sparse rows
};

template <class X> constexpr Number number_type() {
    return sizeof(X) == 1 ? Number::byte : sizeof(X) == 4 ? Number::single : Number::twofold;
}

template <class X> RowsHandle dense_rows(
    nb::ndarray<const X, nb::ndim<2>, nb::device::cpu> values, double scale) {
    if (values.size() > 0 && values.shape(1) > 1 && values.stride(1) != 1)
        throw std::invalid_argument("the numbers of a row are not contiguous");
    if (values.shape(0) > 1 && values.stride(0) < 0)
        throw std::invalid_argument("the rows run backwards");
    RowsHandle handle;
    handle.rows.count = values.shape(0);
    handle.rows.features = values.shape(1);
    handle.rows.values = values.data();
    handle.rows.type = number_type<X>();
    handle.rows.scale = scale;
    handle.rows.stride = values.shape(0) > 1 ? static_cast<std::size_t>(values.stride(0)) : 0;
    handle.values = nb::cast(values);
    return handle;
}

// A copy of CSR's indptr, once it is known to rise from 0 to `most` or less.
inline Buffer<std::int64_t> starts_of(const VectorIn<std::int64_t>& indptr, std::size_t most) {
    Buffer<std::int64_t> starts = copy_of(indptr);
    if (starts[0] != 0) throw std::invalid_argument("its indptr does not begin with 0");
    if (starts[indptr.size() - 1] > static_cast<std::int64_t>(most))
        throw std::invalid_argument("its indptr points outside its indices");
    for (std::size_t row = 0; row + 1 < indptr.size(); ++row)
        if (starts[row + 1] < starts[row]) throw std::invalid_argument("its indptr decreases");
    return starts;
}

// A copy of CSR's indices as narrower numbers, once each is known to be a column.
template <class To, class From>
Buffer<To> columns_of(
    const From* indices, std::size_t end, std::size_t features) {
    Buffer<To> columns(end);
    constexpr std::size_t part = 1024;
    From some[part];  // read once: what is checked is what is kept
    for (std::size_t from = 0; from < end; from += part) {
        const std::size_t count = std::min(part, end - from);
        std::copy_n(indices + from, count, some);
        asm volatile("" : : "r"(some) : "memory");  // or the compiler might read them again
        From least = 0, most = 0;
        for (std::size_t i = 0; i < count; ++i) {
            least = std::min(least, some[i]);
            most = std::max(most, some[i]);
            columns[from + i] = static_cast<To>(some[i]);
        }
        if (least < 0 || static_cast<std::uint64_t>(most) >= features)
            throw std::invalid_argument("it has a column index outside its columns");
    }
    return columns;
}

inline constexpr std::size_t most_sparse_features = (std::size_t{1} << 31) - 1;

template <class X, class Index> RowsHandle sparse_rows(
    VectorIn<std::int64_t> indptr, VectorIn<Index> indices, VectorIn<X> values,
    std::size_t count, std::size_t features, double scale) {
    if (indptr.size() == 0 || indptr.size() - 1 != count)
        throw std::invalid_argument("its indptr does not belong to its number of rows");
    if (features > most_sparse_features) throw std::invalid_argument("it has too many columns");
    const auto places = std::make_shared<SparsePlaces>();
    places->starts = starts_of(indptr, std::min(indices.size(), values.size()));
    const std::size_t end = static_cast<std::size_t>(places->starts[count]);
    RowsHandle handle;
    handle.rows.short_indices = features <= 65536;
    if (handle.rows.short_indices) {
        places->short_indices =
            columns_of<std::uint16_t>(indices.data(), end, features);
        handle.rows.indices = places->short_indices.data();
    } else {
        places->indices = columns_of<std::int32_t>(indices.data(), end, features);
        handle.rows.indices = places->indices.data();
    }
    handle.rows.count = count;
    handle.rows.features = features;
    handle.rows.values = values.data();
    handle.rows.type = number_type<X>();
    handle.rows.scale = scale;
    handle.rows.starts = places->starts.data();
    handle.values = nb::cast(values);
    handle.places = places;
    return handle;
}

inline const Variant& variant_named(const std::string& name) {
    for (const Variant& variant : variants)
        if (name == variant.name && variant.supported()) return variant;
    throw std::invalid_argument("no such instruction set here: " + name);
}

template <class T> const Kernels<T>& kernels_of(const Variant& variant) {
    if constexpr (sizeof(T) == 4)
        return *variant.single;
    else
        return *variant.twofold;
}

// The parameters of a network as they came in.
template <class T> struct NetworkIn {
    MatrixIn<T> W1, b1, W2, b2;

    Arrays<const T> arrays() const { return {W1.data(), b1.data(), W2.data(), b2.data()}; }
    Layout layout(const Kernels<T>& kernels) const {
        const std::size_t D = W1.shape(1), H = W1.shape(0), K = W2.shape(0);
        if (b1.size() != H || W2.shape(1) != H || b2.size() != K || D == 0 || H == 0 || K == 0)
            throw std::invalid_argument("the parameters do not fit each other");
        product(product(D + K + 64, H + 64) + K + 64, 8 * sizeof(T));  // throws where too large
        return Layout(D, H, K, kernels.lanes, kernels.vectors);
    }
};

template <class T> struct NetworkOut {
    Loaned<T> W1, b1, W2, b2;

    explicit NetworkOut(const Layout& l)
        : W1(l.H, l.D), b1(l.H, 1), W2(l.K, l.H), b2(l.K, 1) {}
    NetworkOut(const Layout& layout, const Stepper<T>& stepper) : NetworkOut(layout) {
        stepper.write(arrays());
    }
    Arrays<T> arrays() const {
        return {W1.data.get(), b1.data.get(), W2.data.get(), b2.data.get()};
    }
    nb::tuple release() {
        return nb::make_tuple(W1.release(), b1.release(), W2.release(), b2.release());
    }
};

// A copy of labels, once each is known to be a class.
inline Buffer<std::int32_t> labels_of(
    const VectorIn<std::int32_t>& given, std::size_t count, std::size_t classes) {
    if (given.size() != count)
        throw std::invalid_argument("rows and labels do not fit each other");
    Buffer<std::int32_t> labels = copy_of(given);
    for (std::size_t i = 0; i < count; ++i)
        if (labels[i] < 0 || static_cast<std::size_t>(labels[i]) >= classes)
            throw std::invalid_argument("a label is not a class of the network");
    return labels;
}

template <class T> Samples<T> samples_of(
    const Kernels<T>& kernels, const Rows& rows, const Layout& layout,
    const std::int32_t* labels = nullptr, const T* shares = nullptr, std::size_t share_count = 0) {
    if (rows.features != layout.D || (shares && share_count != rows.count))
        throw std::invalid_argument("rows, weights and network do not fit each other");
    Samples<T> samples{&rows, labels};
    samples.shares = shares;
    samples.share = T(1) / static_cast<T>(std::max<std::size_t>(rows.count, 1));
    samples.skip_zeros = !rows.sparse() && rows.features <= most_sparse_features &&
                         density(kernels, rows) < sparse_below;
    return samples;
}

}  // namespace handgrad
