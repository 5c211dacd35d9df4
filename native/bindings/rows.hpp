// Rows from Python: what a call reads, and what keeps its memory alive.
#pragma once

#include <atomic>

#include "bindings/arrays.hpp"
#include "schedule/work.hpp"
#include "threads/thread_pool.hpp"
#include "variants/variants.hpp"

namespace handgrad {

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

template <class X>
RowsHandle dense_rows(nb::ndarray<const X, nb::ndim<2>, nb::device::cpu> values, double scale) {
    if (values.size() > 0 && values.shape(1) > 1 && values.stride(1) != 1)
        throw std::invalid_argument("the numbers of a row are not contiguous");
    if (values.shape(0) > 1 && values.stride(0) < 0)
        throw std::invalid_argument("the rows run backwards");
    RowsHandle handle;
    handle.rows.count = values.shape(0);
    handle.rows.features = values.shape(1);
    handle.rows.values = values.data();
    handle.rows.type = number_of<X>();
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
Buffer<To> columns_of(const From* indices, std::size_t end, std::size_t features) {
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

template <class X, class Index> RowsHandle sparse_rows(VectorIn<std::int64_t> indptr,
    VectorIn<Index> indices, VectorIn<X> values, std::size_t count, std::size_t features,
    double scale) {
    if (indptr.size() == 0 || indptr.size() - 1 != count)
        throw std::invalid_argument("its indptr does not belong to its number of rows");
    if (features > most_sparse_features) throw std::invalid_argument("it has too many columns");
    const auto places = std::make_shared<SparsePlaces>();
    places->starts = starts_of(indptr, std::min(indices.size(), values.size()));
    const std::size_t end = static_cast<std::size_t>(places->starts[count]);
    RowsHandle handle;
    handle.rows.short_indices = features <= 65536;
    if (handle.rows.short_indices) {
        places->short_indices = columns_of<std::uint16_t>(indices.data(), end, features);
        handle.rows.indices = places->short_indices.data();
    } else {
        places->indices = columns_of<std::int32_t>(indices.data(), end, features);
        handle.rows.indices = places->indices.data();
    }
    handle.rows.count = count;
    handle.rows.features = features;
    handle.rows.values = values.data();
    handle.rows.type = number_of<X>();
    handle.rows.scale = scale;
    handle.rows.starts = places->starts.data();
    handle.values = nb::cast(values);
    handle.places = places;
    return handle;
}

// Whether every number is from least to most; NaN is not.
inline bool within(const RowsHandle& handle, double least, double most, std::size_t threads) {
    const nb::gil_scoped_release release;
    const Kernels<float>& kernels = *variants[0].float32;
    const Rows& rows = handle.rows;
    constexpr std::size_t part = 1024;
    const std::size_t tasks = rows.type == Number::uint8 ? 0 : (rows.count + part - 1) / part;
    std::atomic<bool> all{true};
    ThreadPool pool(workers_for(work_of_reading(rows), std::min(threads, tasks)));
    pool.for_each(tasks, [&](std::size_t task, std::size_t) {
        const std::size_t end = std::min(rows.count, (task + 1) * part);
        if (!kernels.within(rows, task * part, end, least, most))
            all.store(false, std::memory_order_relaxed);
    });
    return all;
}

template <class X> void bind_rows(nb::module_& m) {
    m.def("dense_rows", &dense_rows<X>, "values"_a.noconvert(), "scale"_a);
    m.def("sparse_rows", &sparse_rows<X, std::int32_t>, "indptr"_a, "indices"_a.noconvert(),
        "values"_a.noconvert(), "count"_a, "features"_a, "scale"_a);
    m.def("sparse_rows", &sparse_rows<X, std::int64_t>, "indptr"_a, "indices"_a.noconvert(),
        "values"_a.noconvert(), "count"_a, "features"_a, "scale"_a);
}

}  // namespace handgrad
