// NumPy arrays as the core takes them, and the core's results as NumPy arrays. The caller has
// checked shapes, labels and finiteness; sizes and CSR indices are checked here once more, for
// memory.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

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

// The rows of a call, and what keeps their memory alive.
struct RowsHandle {
    Rows rows;
    std::vector<nb::object> owners;
};

template <class X> constexpr Number number_type() {
    return sizeof(X) == 1 ? Number::pixel : sizeof(X) == 4 ? Number::single : Number::twofold;
}

template <class X> RowsHandle dense_rows(
    nb::ndarray<const X, nb::ndim<2>, nb::device::cpu> values) {
    if (values.size() > 0 && values.shape(1) > 1 && values.stride(1) != 1)
        throw std::invalid_argument("the numbers of a row are not contiguous");
    if (values.shape(0) > 1 && values.stride(0) < 0)
        throw std::invalid_argument("the rows run backwards");
    RowsHandle handle;
    handle.rows.count = values.shape(0);
    handle.rows.features = values.shape(1);
    handle.rows.values = values.data();
    handle.rows.type = number_type<X>();
    handle.rows.stride = values.shape(0) > 1 ? static_cast<std::size_t>(values.stride(0)) : 0;
    handle.owners = {nb::cast(values)};
    return handle;
}

template <class X> RowsHandle sparse_rows(
    VectorIn<std::int64_t> starts, VectorIn<std::int32_t> indices, VectorIn<X> values,
    std::size_t features) {
    const std::int64_t most = static_cast<std::int64_t>(std::min(indices.size(), values.size()));
    if (starts.size() == 0 || starts(0) < 0 || starts(starts.size() - 1) > most)
        throw std::invalid_argument("its indptr points outside its indices");
    for (std::size_t row = 0; row + 1 < starts.size(); ++row)
        if (starts(row + 1) < starts(row)) throw std::invalid_argument("its indptr decreases");
    for (std::int64_t i = starts(0); i < starts(starts.size() - 1); ++i)
        if (indices.data()[i] < 0 || static_cast<std::size_t>(indices.data()[i]) >= features)
            throw std::invalid_argument("it has a column index outside its columns");
    RowsHandle handle;
    handle.rows.count = starts.size() - 1;
    handle.rows.features = features;
    handle.rows.values = values.data();
    handle.rows.type = number_type<X>();
    handle.rows.starts = starts.data();
    handle.rows.indices = indices.data();
    handle.owners = {nb::cast(starts), nb::cast(indices), nb::cast(values)};
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

template <class T> Samples<T> samples_of(
    const Kernels<T>& kernels, const Rows& rows, const Layout& layout, const std::int32_t* labels,
    std::size_t label_count, const T* shares, std::size_t share_count) {
    if (rows.features != layout.D || (labels && label_count != rows.count) ||
        (shares && share_count != rows.count))
        throw std::invalid_argument("rows, labels and network do not fit each other");
    if (labels)
        for (std::size_t i = 0; i < label_count; ++i)
            if (labels[i] < 0 || static_cast<std::size_t>(labels[i]) >= layout.K)
                throw std::invalid_argument("a label is no class of the network");
    Samples<T> samples{&rows, labels};
    samples.shares = shares;
    samples.share = T(1) / static_cast<T>(std::max<std::size_t>(rows.count, 1));
    samples.skip_zeros = !rows.sparse() && density(kernels, rows) < sparse_below;
    return samples;
}

}  // namespace handgrad
