// NumPy arrays as the core takes them, for rows and for networks, and the core's results as NumPy
// arrays. The caller has checked shapes, labels and finiteness; sizes, labels and CSR indices are
// checked here once more, for memory. Another thread, or a callback, may write to the caller's
// arrays at any time: what the core indexes with is copied first and checked then, and the copy is
// what it uses.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "network/storage.hpp"
#include "schedule/trainer.hpp"
#include "threads/thread_pool.hpp"
#include "variants/variants.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace handgrad {

template <class T> using MatrixIn =
    nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T> using VectorIn =
    nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T> using VectorOut = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T> using Array = nb::ndarray<nb::numpy, T>;

// Room for results.
template <class T> Array<T> new_array(std::initializer_list<size_t> shape) {
    size_t size = 1;
    for (const size_t length : shape) size = product(size, length);
    T* data = new T[size];
    const nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
    return Array<T>(data, shape, owner);
}

// A copy of a vector or matrix.
template <class T, class Numbers> Buffer<T> copy_of(const Numbers& values) {
    Buffer<T> copy(values.size());
    std::copy_n(values.data(), values.size(), copy.data());
    return copy;
}

template <class T> const Kernels<T>& kernels_named(const std::string& name) {
    for (const Variant& variant : variants)
        if (name == variant.name && variant.supported()) return kernels_of<T>(variant);
    throw std::invalid_argument("no such instruction set here: " + name);
}

// W and b of each layer, as results.
template <class T> using Layers = std::vector<std::pair<Array<T>, Array<T>>>;

template <class T> NetworkArrays<T> arrays_of(const Layers<T>& layers) {
    NetworkArrays<T> arrays;
    for (const auto& [W, b] : layers) arrays.push_back({W.data(), b.data()});
    return arrays;
}

// Room for a network, its gradient or its moments on the way to Python.
template <class T> Layers<T> new_layers(const Layout& layout) {
    Layers<T> layers;
    for (const Layer& layer : layout) {
        const Matrix& W = layer.W;
        layers.emplace_back(new_array<T>({W.outputs, W.inputs}), new_array<T>({W.outputs, 1}));
    }
    return layers;
}

// The parameters of a network as they came in; their arrays are kept alive.
template <class T> class NetworkIn {
  public:
    using LayerIn = std::tuple<MatrixIn<T>, MatrixIn<T>, Activation>;

    NetworkIn(std::vector<LayerIn> layers, Output output)
        : layers_(std::move(layers)), output_(output) {
        if (layers_.empty()) throw std::invalid_argument("a network needs a layer");
        size_t numbers = 0, inputs = std::get<0>(layers_.front()).shape(1);
        for (const auto& [W, b, activation] : layers_) {
            const LayerShape shape{inputs, W.shape(0), activation};
            if (W.size() == 0 || W.shape(1) != inputs || b.size() != shape.outputs)
                throw std::invalid_argument("the parameters do not fit each other");
            numbers += product(shape.inputs + 64, shape.outputs + 64);
            product(numbers, 16 * sizeof(T));  // throws where memory could never hold them
            shapes_.push_back(shape);
            inputs = shape.outputs;
        }
        if (shapes_.back().activation != Activation::identity)
            throw std::invalid_argument("the last layer has an activation");
    }

    Layout layout(const Kernels<T>& kernels) const {
        return Layout(shapes_, output_, kernels.lanes, kernels.vectors);
    }
    NetworkArrays<const T> arrays() const {
        NetworkArrays<const T> arrays;
        for (const auto& [W, b, activation] : layers_) arrays.push_back({W.data(), b.data()});
        return arrays;
    }
    // Whether the layers are as large as those of a layout.
    bool fits(const Layout& layout) const {
        return std::equal(shapes_.begin(), shapes_.end(), layout.begin(), layout.end(),
            [](const LayerShape& shape, const Layer& layer) {
                return shape.inputs == layer.W.inputs && shape.outputs == layer.W.outputs;
            });
    }

  private:
    std::vector<LayerIn> layers_;
    std::vector<LayerShape> shapes_;
    Output output_;
};

// The rows of a call, and what keeps their memory alive.
struct RowsHandle {
    Rows rows;
    nb::object values;
    std::shared_ptr<const Buffer<size_t>> starts;          // of CSR rows
    std::shared_ptr<const Buffer<unsigned char>> indices;  // uint16 where those suffice

    template <class Values>
    RowsHandle(const Values& given, size_t count, size_t features, double scale)
        : values(nb::cast(given)) {
        rows.count = count;
        rows.features = features;
        rows.short_indices = features <= 65536;
        rows.values = given.data();
        rows.type = number_of<typename Values::Scalar>();
        rows.scale = scale;
    }
};

template <class X> RowsHandle dense_rows(
    const nb::ndarray<const X, nb::ndim<2>, nb::device::cpu>& values, double scale) {
    if (values.size() > 0 && values.shape(1) > 1 && values.stride(1) != 1)
        throw std::invalid_argument("the numbers of a row are not contiguous");
    if (values.shape(0) > 1 && values.stride(0) < 0)
        throw std::invalid_argument("the rows run backwards");
    RowsHandle handle(values, values.shape(0), values.shape(1), scale);
    handle.rows.stride = values.shape(0) > 1 ? static_cast<size_t>(values.stride(0)) : 0;
    return handle;
}

// A copy of CSR's indptr, once it is known to rise from 0 to `most` or less.
inline Buffer<size_t> starts_of(const VectorIn<int64_t>& indptr, size_t most) {
    Buffer<size_t> starts(indptr.size());
    std::copy_n(indptr.data(), indptr.size(), starts.data());  // negative ones are too large
    if (starts[0] != 0) throw std::invalid_argument("its indptr does not begin with 0");
    if (starts[indptr.size() - 1] > most)
        throw std::invalid_argument("its indptr points outside its indices");
    for (size_t row = 0; row + 1 < indptr.size(); ++row)
        if (starts[row + 1] < starts[row]) throw std::invalid_argument("its indptr decreases");
    return starts;
}

// A copy of CSR's indices as narrower numbers, once each is known to be a column.
template <class To, class From>
Buffer<unsigned char> columns_of(const From* indices, size_t end, size_t features) {
    Buffer<unsigned char> bytes(product(end, sizeof(To)));
    To* columns = reinterpret_cast<To*>(bytes.data());
    constexpr size_t part = 1024;
    From some[part];  // read once: what is checked is what is kept
    for (size_t from = 0; from < end; from += part) {
        const size_t count = std::min(part, end - from);
        std::copy_n(indices + from, count, some);
        asm volatile("" : : "r"(some) : "memory");  // or the compiler might read them again
        std::make_unsigned_t<From> most = 0;        // a negative index is a large one
        for (size_t i = 0; i < count; ++i) {
            most = std::max(most, static_cast<std::make_unsigned_t<From>>(some[i]));
            columns[from + i] = static_cast<To>(some[i]);
        }
        if (most >= features)
            throw std::invalid_argument("it has a column index outside its columns");
    }
    return bytes;
}

inline constexpr size_t most_sparse_features = (size_t{1} << 31) - 1;

template <class X, class Index> RowsHandle sparse_rows(const VectorIn<int64_t>& indptr,
    const VectorIn<Index>& indices, const VectorIn<X>& values, size_t count, size_t features,
    double scale) {
    if (indptr.size() == 0 || indptr.size() - 1 != count)
        throw std::invalid_argument("its indptr does not belong to its number of rows");
    if (features > most_sparse_features) throw std::invalid_argument("it has too many columns");
    RowsHandle handle(values, count, features, scale);
    Rows& rows = handle.rows;
    handle.starts = std::make_shared<const Buffer<size_t>>(
        starts_of(indptr, std::min(indices.size(), values.size())));
    rows.starts = handle.starts->data();
    with_index(rows.short_indices, [&](auto index) {
        handle.indices = std::make_shared<const Buffer<unsigned char>>(
            columns_of<decltype(index)>(indices.data(), rows.starts[count], features));
    });
    rows.indices = handle.indices->data();
    return handle;
}

// Whether every number is from least to most; NaN is not.
inline bool within(const RowsHandle& handle, double least, double most, size_t threads) {
    const nb::gil_scoped_release release;
    const Kernels<float>& kernels = kernels_of<float>(variants[0]);
    const Rows& rows = handle.rows;
    constexpr size_t part = 1024;
    const size_t tasks = rows.type == Number::uint8 ? 0 : (rows.count + part - 1) / part;
    std::atomic<bool> all{true};
    ThreadPool pool(workers_for(work_of_reading(rows), std::min(threads, tasks)));
    pool.for_each(tasks, [&](size_t task, size_t) {
        const size_t end = std::min(rows.count, (task + 1) * part);
        if (!kernels.within(rows, task * part, end, least, most))
            all.store(false, std::memory_order_relaxed);
    });
    return all;
}

template <class X> void bind_rows(nb::module_& m) {
    m.def("dense_rows", &dense_rows<X>, "values"_a.noconvert(), "scale"_a);
    m.def("sparse_rows", &sparse_rows<X, int32_t>, "indptr"_a, "indices"_a.noconvert(),
        "values"_a.noconvert(), "count"_a, "features"_a, "scale"_a);
    m.def("sparse_rows", &sparse_rows<X, int64_t>, "indptr"_a, "indices"_a.noconvert(),
        "values"_a.noconvert(), "count"_a, "features"_a, "scale"_a);
}

}  // namespace handgrad
