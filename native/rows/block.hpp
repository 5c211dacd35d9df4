// A block of rows as the products take it: its non-zeros gathered, or dense numbers of type T.
#pragma once

#include <type_traits>

#include "products/dense.hpp"
#include "products/sparse.hpp"
#include "rows/compress.hpp"
#include "variants/kernels.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Calls action with a null pointer of the type of the rows' values.
template <class Action> inline auto with_type(Number type, Action action) {
    switch (type) {
        case Number::uint8: return action(static_cast<const std::uint8_t*>(nullptr));
        case Number::float32: return action(static_cast<const float*>(nullptr));
        default: return action(static_cast<const double*>(nullptr));
    }
}

// Numbers as type T: in place where that is what they are, else converted into room.
template <class T, class X>
inline const T* numbers(const X* values, std::size_t count, T* room, T scale) {
    if constexpr (std::is_same_v<X, T>) return values;
    for (std::size_t i = 0; i < count; ++i) room[i] = read(values[i], scale);
    return room;
}

// Where rows that follow one another start, counted from the first, and where that one does.
inline const std::int64_t* neighbouring_starts(
    const Rows& source, std::size_t first, std::size_t rows, std::size_t* from_first) {
    const std::int64_t* starts = source.starts + first;
    for (std::size_t r = 0; r <= rows; ++r)
        from_first[r] = static_cast<std::size_t>(starts[r] - starts[0]);
    return starts;
}

// The non-zeros of CSR rows that follow one another, where they are.
template <class T, class Index, class X>
inline Nonzeros<T, Index> gather_neighbours(const Samples<T>& samples, std::size_t first,
    std::size_t rows, const X* values, const Scratch<T>& scratch) {
    const Rows& source = *samples.rows;
    const std::int64_t* starts = neighbouring_starts(source, first, rows, scratch.starts);
    return {scratch.starts, static_cast<const Index*>(source.indices) + starts[0],
        numbers(
            values + starts[0], scratch.starts[rows], scratch.values, static_cast<T>(source.scale)),
        samples.slots, source.scale};
}

// The values as the products take them: where they are, else as type T in the room.
template <class T, class X>
inline auto factors(const X* values, std::size_t count, T* room, T scale) {
    if constexpr (multiplies<T, X>)
        return values;
    else
        return numbers(values, count, room, scale);
}

// The same with values as the products take them; calls action with them.
template <class T, class Index, class Action> inline void with_neighbours(const Samples<T>& samples,
    std::size_t first, std::size_t rows, const Scratch<T>& scratch, Action action) {
    const Rows& source = *samples.rows;
    const std::int64_t* starts = neighbouring_starts(source, first, rows, scratch.starts);
    with_type(source.type, [&](auto null) {
        const auto* values = static_cast<decltype(null)>(source.values) + starts[0];
        const auto* as_factors =
            factors<T>(values, scratch.starts[rows], scratch.values, static_cast<T>(source.scale));
        using X = std::remove_const_t<std::remove_pointer_t<decltype(as_factors)>>;
        action(Nonzeros<X, Index>{scratch.starts,
            static_cast<const Index*>(source.indices) + starts[0], as_factors, samples.slots,
            source.scale});
    });
}

// Copies indices, and values as numbers of type T, in chunks that compile to vectors; the last
// chunk overlaps the one before.
template <class T, class Index, class X> inline void copy_nonzeros(const Index* from_indices,
    const X* from_values, std::size_t count, Index* indices, T* values, T scale) {
    constexpr std::size_t chunk = 16;
    const auto copy = [&](std::size_t i) {
        __builtin_memcpy(indices + i, from_indices + i, chunk * sizeof(Index));
        convert_sixteen(from_values + i, values + i, scale);
    };
    for (std::size_t i = 0; i + chunk <= count; i += chunk) copy(i);
    if (count >= chunk) return copy(count - chunk);
    for (std::size_t i = 0; i < count; ++i) {
        indices[i] = from_indices[i];
        values[i] = read(from_values[i], scale);
    }
}

// The non-zeros of CSR rows from here and there.
template <class T, class Index, class X> inline void gather_scattered(const Samples<T>& samples,
    std::size_t first, std::size_t rows, const X* values, const Scratch<T>& scratch,
    Index* indices) {
    const Rows& source = *samples.rows;
    std::size_t n = 0;
    scratch.starts[0] = 0;
    for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t row = samples.row(first + r);
        const std::size_t start = static_cast<std::size_t>(source.starts[row]);
        const std::size_t count = static_cast<std::size_t>(source.starts[row + 1]) - start;
        const Index* from = static_cast<const Index*>(source.indices) + start;
        copy_nonzeros(from, values + start, count, indices + n, scratch.values + n,
            static_cast<T>(source.scale));
        n += count;
        scratch.starts[r + 1] = n;
    }
}

template <class T, class Index> inline Nonzeros<T, Index> gather_block(
    const Samples<T>& samples, std::size_t first, std::size_t rows, const Scratch<T>& scratch) {
    const Rows& source = *samples.rows;
    Index* indices = static_cast<Index*>(scratch.indices);
    scratch.starts[0] = 0;
    return with_type(source.type, [&](auto null) -> Nonzeros<T, Index> {
        const auto* values = static_cast<decltype(null)>(source.values);
        if (source.sparse() && !samples.order)
            return gather_neighbours<T, Index>(samples, first, rows, values, scratch);
        if (source.sparse()) {
            gather_scattered(samples, first, rows, values, scratch, indices);
        } else {
            for (std::size_t r = 0, n = 0; r < rows; ++r) {
                n += compress_row(values + samples.row(first + r) * source.stride, source.features,
                    indices + n, scratch.values + n, static_cast<T>(source.scale));
                scratch.starts[r + 1] = n;
            }
        }
        return {scratch.starts, indices, scratch.values, samples.slots, source.scale};
    });
}

// Calls action with the values of a block's compressed sparse columns.
template <class T, class Action> inline void with_csc_values(const Samples<T>& samples,
    std::size_t first, std::size_t rows, const Scratch<T>& scratch, Action action) {
    const Rows& source = *samples.rows;
    const std::size_t start = static_cast<std::size_t>(source.starts[first]);
    const std::size_t count = static_cast<std::size_t>(source.starts[first + rows]) - start;
    with_type(source.type, [&](auto null) {
        const auto* values = static_cast<decltype(null)>(source.csc->values) + start;
        action(factors<T>(values, count, scratch.values, static_cast<T>(source.scale)));
    });
}

template <class T> struct DenseChunk {
    const T* values;
    std::size_t stride;
};

// The features from `from` on, in place where they already are what the products take.
template <class T> inline DenseChunk<T> dense_chunk(const Samples<T>& samples, std::size_t first,
    std::size_t rows, std::size_t from, std::size_t count, const Scratch<T>& scratch) {
    const Rows& source = *samples.rows;
    const T scale = static_cast<T>(source.scale);
    return with_type(source.type, [&](auto null) -> DenseChunk<T> {
        using X = std::remove_const_t<std::remove_pointer_t<decltype(null)>>;
        const X* values = static_cast<const X*>(source.values) + from;
        if constexpr (std::is_same_v<X, T>)
            if (!samples.order) return {values + first * source.stride, source.stride};
        for (std::size_t r = 0; r < rows; ++r) {
            const X* row = values + samples.row(first + r) * source.stride;
            T* to = scratch.values + r * count;
            for (std::size_t d = 0; d < count; ++d) to[d] = read(row[d], scale);
        }
        return {scratch.values, count};
    });
}

}  // namespace handgrad::HANDGRAD_VARIANT
