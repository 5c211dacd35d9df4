// A block of rows as the products take it: its non-zeros gathered, or dense numbers of type T.
#pragma once

#include <type_traits>

#include "products/sparse.hpp"
#include "rows/compress.hpp"
#include "variants/kernels.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Values as type T: in place where they have it, else converted into room. With as_factors bytes
// also stay in place, if the products take them.
template <class T, bool as_factors = false, class X>
inline auto numbers(const X* values, size_t count, T* room, T scale) {
    if constexpr (std::is_same_v<X, T> || (as_factors && multiplies<T, X>)) {
        return values;
    } else {
        for (size_t i = 0; i < count; ++i) room[i] = read(values[i], scale);
        return static_cast<const T*>(room);
    }
}

// What sums of products with such values are multiplied by: the scale of bytes, unless numbers() has
// multiplied the values already.
template <class T, class X> inline T scale_of_sums(const Samples<T>& samples, const X*) {
    return std::is_same_v<X, T> ? samples.sum_scale() : static_cast<T>(samples.rows->scale);
}

// Consecutive CSR rows: writes their starts, counted from the first, and returns where that lies.
inline size_t consecutive_starts(
    const Rows& source, size_t first, size_t rows, size_t* from_first) {
    for (size_t r = 0; r <= rows; ++r)
        from_first[r] = source.starts[first + r] - source.starts[first];
    return source.starts[first];
}

// Calls action with the non-zeros of consecutive CSR rows, as factors.
template <class T, class Index, class Action>
inline void with_consecutive(const Samples<T>& samples, size_t first, size_t rows,
    const Scratch<T>& scratch, Action action) {
    const Rows& source = *samples.rows;
    const size_t start = consecutive_starts(source, first, rows, scratch.starts);
    with_values(source, start, [&](const auto* from) {
        const auto* values =
            numbers<T, true>(from, scratch.starts[rows], scratch.values, samples.value_scale());
        using X = std::remove_const_t<std::remove_pointer_t<decltype(values)>>;
        action(
            Nonzeros<T, X, Index>{scratch.starts, static_cast<const Index*>(source.indices) + start,
                values, samples.slots, scale_of_sums(samples, values)});
    });
}

// Copies indices, and values as numbers of type T, in chunks that compile to vectors; the last
// chunk overlaps the one before.
template <class T, class Index, class X> inline void copy_nonzeros(const Index* from_indices,
    const X* from_values, size_t count, Index* indices, T* values, T scale) {
    constexpr size_t chunk = 16;
    const auto copy = [&](size_t i) {
        __builtin_memcpy(indices + i, from_indices + i, chunk * sizeof(Index));
        convert_sixteen(from_values + i, values + i, scale);
    };
    for (size_t i = 0; i + chunk <= count; i += chunk) copy(i);
    if (count >= chunk) return copy(count - chunk);
    for (size_t i = 0; i < count; ++i) {
        indices[i] = from_indices[i];
        values[i] = read(from_values[i], scale);
    }
}

// The non-zeros of a block's rows as type T: in place where they lie so, else gathered.
template <class T, class Index> inline Nonzeros<T, T, Index> gather_block(
    const Samples<T>& samples, size_t first, size_t rows, const Scratch<T>& scratch) {
    const Rows& source = *samples.rows;
    const T scale = samples.value_scale(), of_sums = samples.sum_scale();
    const Index* const stored = static_cast<const Index*>(source.indices);
    Index* const indices = static_cast<Index*>(scratch.indices);
    return with_values(source, 0, [&](const auto* values) -> Nonzeros<T, T, Index> {
        if (source.sparse() && !samples.order) {
            const size_t start = consecutive_starts(source, first, rows, scratch.starts);
            const T* in_place =
                numbers<T>(values + start, scratch.starts[rows], scratch.values, scale);
            return {scratch.starts, stored + start, in_place, samples.slots, of_sums};
        }
        scratch.starts[0] = 0;
        size_t n = 0;
        for (size_t r = 0; r < rows; ++r) {
            const size_t row = samples.row(first + r);
            if (source.sparse()) {
                const size_t start = source.starts[row], count = source.starts[row + 1] - start;
                copy_nonzeros(
                    stored + start, values + start, count, indices + n, scratch.values + n, scale);
                n += count;
            } else {
                n += compress_row(values + row * source.stride, source.features, indices + n,
                    scratch.values + n, scale);
            }
            scratch.starts[r + 1] = n;
        }
        return {scratch.starts, indices, scratch.values, samples.slots, of_sums};
    });
}

// The same of dense rows of bytes, as bytes.
template <class T, class Index> inline Nonzeros<T, uint8_t, Index> gather_bytes(
    const Samples<T>& samples, size_t first, size_t rows, const Scratch<T>& scratch) {
    const Rows& source = *samples.rows;
    const auto* stored = static_cast<const uint8_t*>(source.values);
    Index* const indices = static_cast<Index*>(scratch.indices);
    uint8_t* const values = reinterpret_cast<uint8_t*>(scratch.values);
    scratch.starts[0] = 0;
    size_t n = 0;
    for (size_t r = 0; r < rows; ++r) {
        n += compress_row<uint8_t>(stored + samples.row(first + r) * source.stride, source.features,
            indices + n, values + n, 1);
        scratch.starts[r + 1] = n;
    }
    return {scratch.starts, indices, values, samples.slots, static_cast<T>(source.scale)};
}

// Calls action with the non-zeros of a block's rows: as bytes, which take the least memory, where
// the sums are scaled and the products take bytes.
template <class T, class Index, class Action> inline void with_gathered(const Samples<T>& samples,
    size_t first, size_t rows, const Scratch<T>& scratch, Action action) {
    if constexpr (multiplies<T, uint8_t>) {
        const Rows& source = *samples.rows;
        if (samples.scale_sums && !source.sparse() && source.type == Number::uint8)
            return action(gather_bytes<T, Index>(samples, first, rows, scratch));
    }
    action(gather_block<T, Index>(samples, first, rows, scratch));
}

template <class T> struct DenseChunk {
    const T* values;
    size_t stride;
};

// The features from `from` on, in place where they already are what the products take.
template <class T> inline DenseChunk<T> dense_chunk(const Samples<T>& samples, size_t first,
    size_t rows, size_t from, size_t count, const Scratch<T>& scratch) {
    const Rows& source = *samples.rows;
    const T scale = static_cast<T>(source.scale);
    return with_values(source, from, [&](const auto* values) -> DenseChunk<T> {
        if constexpr (std::is_same_v<decltype(values), const T*>)
            if (!samples.order) return {values + first * source.stride, source.stride};
        for (size_t r = 0; r < rows; ++r) {
            const auto* row = values + samples.row(first + r) * source.stride;
            T* to = scratch.values + r * count;
            for (size_t d = 0; d < count; ++d) to[d] = read(row[d], scale);
        }
        return {scratch.values, count};
    });
}

}  // namespace handgrad::HANDGRAD_VARIANT
