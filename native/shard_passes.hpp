// The passes of a step whose features are cut into shards (shards.hpp): the two products of the
// first layer a shard, and everything between them.
#pragma once

#include "passes.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Asks for memory that is read soon. In line, for GCC 12 takes a function that does nothing else
// for one that does nothing.
HANDGRAD_INLINE void fetch(
    const void* values, std::size_t from, std::size_t to, std::size_t size) {
    const char* const first = static_cast<const char*>(values);
    for (std::size_t at = from * size; at < to * size; at += 64)
        __builtin_prefetch(first + at, 0, 2);
}

// The same for the non-zeros of a sample of the next batch.
template <class T>
HANDGRAD_INLINE void fetch_ahead(
    const Samples<T>& samples, std::size_t sample, const ShardOf& shard) {
    if (sample >= samples.count) return;
    const Rows& rows = *samples.rows;
    const std::size_t row = shard.row(samples.row(sample));
    const std::size_t from = static_cast<std::size_t>(rows.starts[row]);
    const std::size_t to = static_cast<std::size_t>(rows.starts[row + 1]);
    fetch(rows.indices, from, to, rows.short_indices ? 2 : 4);
    fetch(rows.values, from, to, sizeof(T));
}

// Calls action with the non-zeros of a batch's rows, where they are.
template <class T, class Action>
inline void with_nonzeros(
    const Rows& rows, const std::size_t* extents, std::size_t count, Action action) {
    const T* values = static_cast<const T*>(rows.values);
    const auto call = [&](auto index) {
        using Index = decltype(index);
        action(Nonzeros<T, Index>{
            extents, extents + count, static_cast<const Index*>(rows.indices), values, nullptr});
    };
    if (rows.short_indices)
        call(std::uint16_t{});
    else
        call(std::int32_t{});
}

template <class T>
void shard_forward(
    const Matrix& W1, const T* values, const Samples<T>& samples, const ShardOf& shard,
    std::size_t begin, std::size_t end, std::size_t* extents, T* Z1) {
    const std::size_t count = end - begin;
    for (std::size_t r = 0; r < count; ++r) {
        fetch_ahead(samples, end + r, shard);
        const std::size_t row = shard.row(samples.row(begin + r));
        extents[r] = static_cast<std::size_t>(samples.rows->starts[row]);
        extents[count + r] = static_cast<std::size_t>(samples.rows->starts[row + 1]);
    }
    __builtin_memset(Z1, 0, count * W1.stride() * sizeof(T));
    with_nonzeros<T>(*samples.rows, extents, count, [&](const auto& x) {
        forward_sparse(W1, values, x, count, Z1);
    });
}

template <class T>
void shard_backward(
    const Matrix& W1, const Rows& rows, const std::size_t* extents, std::size_t count, const T* dZ1,
    T* dW1) {
    with_nonzeros<T>(rows, extents, count, [&](const auto& x) {
        backward_sparse(W1, dW1, x, count, dZ1);
    });
}

template <class T>
Totals head(
    const Parameters<T>& network, const Samples<T>& samples, std::size_t begin, std::size_t end,
    const ShardSums<T>& sums, const Scratch<T>& scratch, T* gradient) {
    const Layout& layout = *network.layout;
    const std::size_t Hp = layout.W1.stride();
    Totals totals;
    __builtin_memset(gradient, 0, layout.size() * sizeof(T));
    for (std::size_t first = begin; first < end; first += scratch.block) {
        const std::size_t rows = end - first < scratch.block ? end - first : scratch.block;
        const std::size_t at = (first - begin) * Hp, size = rows * Hp;
        forward(network, rows, scratch, [&](T* Z1) {
            for (std::size_t shard = 0; shard < sums.shards; ++shard) {
                const T* part = sums.Z1 + shard * sums.stride + at;
                for (std::size_t j = 0; j < size; j += lanes<T>)
                    store(Z1 + j, load(Z1 + j) + load(part + j));
            }
        });
        output_gradient(
            samples, first, rows, layout.W2.stride(), scratch.dZ2, scratch.sums, totals);
        backward(network, rows, scratch, layout, gradient);
        for (std::size_t j = 0; j < size; j += lanes<T>)
            store(sums.dZ1 + at + j, load(scratch.dZ1 + j) * sums.scale);
    }
    return totals;
}

}  // namespace handgrad::HANDGRAD_VARIANT
