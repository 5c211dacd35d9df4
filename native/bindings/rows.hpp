// Rows from Python: what a call reads, and what keeps its memory alive.
#pragma once

#include <atomic>

#include "bindings/arrays.hpp"
#include "schedule/work.hpp"
#include "threads/thread_pool.hpp"
#include "variants/variants.hpp"

namespace handgrad {

// The rows of a call, and what keeps their memory alive.
struct RowsHandle {
    Rows rows;
    nb::object values;
    std::shared_ptr<const Buffer<size_t>> starts;          // of CSR rows
    std::shared_ptr<const Buffer<unsigned char>> indices;  // uint16 where those suffice

    template <class Values> RowsHandle(const Values& given, double scale)
        : values(nb::cast(given)) {
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
    RowsHandle handle(values, scale);
    handle.rows.count = values.shape(0);
    handle.rows.features = values.shape(1);
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
        From least = 0, most = 0;
        for (size_t i = 0; i < count; ++i) {
            least = std::min(least, some[i]);
            most = std::max(most, some[i]);
            columns[from + i] = static_cast<To>(some[i]);
        }
        if (least < 0 || static_cast<uint64_t>(most) >= features)
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
    RowsHandle handle(values, scale);
    Rows& rows = handle.rows;
    handle.starts = std::make_shared<const Buffer<size_t>>(
        starts_of(indptr, std::min(indices.size(), values.size())));
    rows.count = count;
    rows.features = features;
    rows.starts = handle.starts->data();
    rows.short_indices = features <= 65536;
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
    const Kernels<float>& kernels = *variants[0].float32;
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
