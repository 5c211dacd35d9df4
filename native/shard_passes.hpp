// The passes of a step whose features are cut into shards (shards.hpp): the two products of the
// first layer a shard, and everything between them.
#pragma once

#include "fours.hpp"
#include "passes.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Asks for fours to come into the nearest cache, or into the one behind it.
template <bool nearest, class Four>
HANDGRAD_INLINE void fetch(const Four* begin, const Four* end) {
    const char* const last = reinterpret_cast<const char*>(end);
    for (const char* at = reinterpret_cast<const char*>(begin); at < last; at += 64)
        __builtin_prefetch(at, 0, nearest ? 3 : 2);
}

// Asks for a row that comes soon, and for where one lies that comes later. A row at a time,
// between the products: many at once would wait for one another.
template <class T, class Index>
HANDGRAD_INLINE void fetch_row(
    const Samples<T>& samples, std::size_t sample, const ShardOf& of, const Four<T, Index>* fours) {
    constexpr std::size_t soon = 12, later = 48;  // samples
    const std::uint32_t* starts = of.rows.starts;
    if (sample + later < samples.count)
        __builtin_prefetch(starts + samples.row(sample + later) * of.rows.shards + of.shard);
    if (sample + soon >= samples.count) return;
    const std::uint32_t* row = starts + samples.row(sample + soon) * of.rows.shards;
    fetch<false>(fours + row[of.shard], fours + row[of.fetch_to]);
}

// Calls action with packed rows' fours, of the type that they are of.
template <class T, class Action> inline void with_fours(const ShardedRows& rows, Action action) {
    if (rows.short_indices)
        action(static_cast<const Four<T, std::uint16_t>*>(rows.fours));
    else
        action(static_cast<const Four<T, std::int32_t>*>(rows.fours));
}

// Samples of a batch that does not stay in the nearest cache by itself.
inline constexpr std::size_t large_batch = 64;

// Notes where the samples' parts of a shard lie, those of large batches with the shortest first:
// loops over neighbours then end after as many rounds, which processors foresee.
template <class T>
inline void find_extents(
    const Samples<T>& samples, const ShardOf& of, std::size_t begin, std::size_t count,
    Extent* extents) {
    constexpr std::uint32_t most = 30;  // fours; longer parts come last, as they are
    const auto extent = [&](std::size_t i) -> Extent {
        const std::uint32_t* start =
            of.rows.starts + samples.row(begin + i) * of.rows.shards + of.shard;
        return {start[0], start[1], static_cast<std::uint32_t>(i)};
    };
    const auto length = [](const Extent& x) {
        return x.end - x.begin < most ? x.end - x.begin : most;
    };
    if (count < large_batch) {
        for (std::size_t i = 0; i < count; ++i) extents[i] = extent(i);
        return;
    }
    std::size_t places[most + 2] = {};
    for (std::size_t i = 0; i < count; ++i) ++places[length(extent(i)) + 1];
    for (std::size_t i = 0; i < most; ++i) places[i + 1] += places[i];
    for (std::size_t i = 0; i < count; ++i) {
        const Extent x = extent(i);
        extents[places[length(x)]++] = x;
    }
}

// Calls action with each sample's fours, while those of one a little further on are fetched where
// the batch is large.
template <class Four, class Action>
inline void each_sample(
    const Four* fours, const Extent* extents, std::size_t count, Action action) {
    constexpr std::size_t soon = 4;  // samples
    const std::size_t fetched = count < large_batch ? 0 : count - soon;
    for (std::size_t i = 0; i < count; ++i) {
        if (i < fetched)
            fetch<true>(fours + extents[i + soon].begin, fours + extents[i + soon].end);
        action(fours + extents[i].begin, fours + extents[i].end, extents[i].sample);
    }
}

template <class T>
void shard_forward(
    const Matrix& W1, const T* W, const Samples<T>& samples, const ShardOf& of,
    std::size_t begin, std::size_t end, Extent* extents, T* Z1) {
    find_extents(samples, of, begin, end - begin, extents);
    with_fours<T>(of.rows, [&](const auto* fours) {
        each_panel<T, shard_vectors>(W1, [&](auto P, std::size_t output) {
            std::size_t sample = begin;
            each_sample(fours, extents, end - begin, [&](auto* first, auto* last, std::size_t i) {
                if (output == 0 && of.fetch_to > of.shard)
                    fetch_row(samples, sample++, of, fours);
                gather_fours<P>(
                    first, last, W + W1.row(output, 0), Z1 + i * W1.stride() + output);
            });
        });
    });
}

template <class T>
void shard_backward(
    const Matrix& W1, const ShardedRows& rows, const Extent* extents, std::size_t count,
    const T* dZ1, T* dW1) {
    with_fours<T>(rows, [&](const auto* fours) {
        each_panel<T, shard_vectors>(W1, [&](auto P, std::size_t output) {
            each_sample(fours, extents, count, [&](auto* first, auto* last, std::size_t i) {
                scatter_fours<P>(
                    first, last, dZ1 + i * W1.stride() + output, dW1 + W1.row(output, 0));
            });
        });
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
