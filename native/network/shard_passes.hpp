// The passes of a step whose features are cut into shards (schedule/feature_shards.hpp): the two
// products of the first layer for one shard, and everything between them.
#pragma once

#include "network/passes.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Prefetches groups into the nearest cache, or into the one behind it.
template <bool nearest, class Group>
HANDGRAD_INLINE void fetch(const Group* begin, const Group* end) {
    const char* const last = reinterpret_cast<const char*>(end);
    for (const char* at = reinterpret_cast<const char*>(begin); at < last; at += 64)
        __builtin_prefetch(at, 0, nearest ? 3 : 2);
}

// Prefetches a row that comes soon, and the place of one that comes later. One row at a time,
// between the products: many at once would wait for one another.
template <class T, class Index> HANDGRAD_INLINE void fetch_row(const Samples<T>& samples,
    size_t sample, const ShardView& of, const NonzeroGroup<T, Index>* groups) {
    constexpr size_t soon = 12, later = 48;  // samples
    const uint32_t* starts = of.rows.starts;
    if (sample + later < samples.count)
        __builtin_prefetch(starts + samples.row(sample + later) * of.rows.shards + of.shard);
    if (sample + soon >= samples.count) return;
    const uint32_t* row = starts + samples.row(sample + soon) * of.rows.shards;
    fetch<false>(groups + row[of.shard], groups + row[of.fetch_to]);
}

// Samples of a batch that does not stay in the nearest cache by itself.
inline constexpr size_t large_batch = 64;

// Notes where the samples' parts of a shard lie. Those of large batches are sorted by length:
// consecutive loops then end after the same number of rounds, which processors predict.
template <class T> void find_ranges(const Samples<T>& samples, const ShardView& of, size_t begin,
    size_t count, GroupRange* ranges) {
    constexpr uint32_t most = 30;  // groups; longer parts come last, as they are
    const auto extent = [&](size_t i) -> GroupRange {
        const uint32_t* start = of.rows.starts + samples.row(begin + i) * of.rows.shards + of.shard;
        return {start[0], start[1], static_cast<uint32_t>(i)};
    };
    const auto length = [](const GroupRange& x) {
        return x.end - x.begin < most ? x.end - x.begin : most;
    };
    if (count < large_batch) {
        for (size_t i = 0; i < count; ++i) ranges[i] = extent(i);
        return;
    }
    size_t places[most + 2] = {};
    for (size_t i = 0; i < count; ++i) ++places[length(extent(i)) + 1];
    for (size_t i = 0; i < most; ++i) places[i + 1] += places[i];
    for (size_t i = 0; i < count; ++i) {
        const GroupRange x = extent(i);
        ranges[places[length(x)]++] = x;
    }
}

// Calls action with each sample's groups, while those of one a little further on are fetched where
// the batch is large.
template <class NonzeroGroup, class Action> inline void each_sample(
    const NonzeroGroup* groups, const GroupRange* ranges, size_t count, Action action) {
    constexpr size_t soon = 4;  // samples
    const size_t fetched = count < large_batch ? 0 : count - soon;
    for (size_t i = 0; i < count; ++i) {
        if (i < fetched)
            fetch<true>(groups + ranges[i + soon].begin, groups + ranges[i + soon].end);
        action(groups + ranges[i].begin, groups + ranges[i].end, ranges[i].sample);
    }
}

template <bool adds, class T> void shard_forward(const Matrix& W1, const T* W,
    const Samples<T>& samples, const ShardView& of, size_t begin, size_t end, GroupRange* ranges,
    T* Z1) {
    find_ranges(samples, of, begin, end - begin, ranges);
    with_index(of.rows.short_indices, [&](auto index) {
        const auto* groups = static_cast<const NonzeroGroup<T, decltype(index)>*>(of.rows.groups);
        each_panel<T, shard_vectors>(W1, [&](auto P, size_t output) {
            size_t sample = begin;
            each_sample(groups, ranges, end - begin, [&](auto* first, auto* last, size_t i) {
                if (output == 0 && of.fetch_to > of.shard) fetch_row(samples, sample++, of, groups);
                gather_groups<P, adds>(
                    first, last, W + W1.row(output, 0), Z1 + i * W1.stride() + output);
            });
        });
    });
}

template <class T> void shard_backward(const Matrix& W1, const ShardedRows& rows,
    const GroupRange* ranges, size_t count, const T* dZ1, T* dW1) {
    with_index(rows.short_indices, [&](auto index) {
        const auto* groups = static_cast<const NonzeroGroup<T, decltype(index)>*>(rows.groups);
        each_panel<T, shard_vectors>(W1, [&](auto P, size_t output) {
            each_sample(groups, ranges, count, [&](auto* first, auto* last, size_t i) {
                scatter_groups<P>(
                    first, last, dZ1 + i * W1.stride() + output, dW1 + W1.row(output, 0));
            });
        });
    });
}

template <class T> Metrics head(const Parameters<T>& network, const Samples<T>& samples,
    size_t begin, size_t end, const ShardSums<T>& sums, const Scratch<T>& scratch, T* gradient) {
    const Layout& layout = *network.layout;
    const size_t Hp = layout.first().W.stride();
    Metrics metrics;
    __builtin_memset(gradient, 0, layout.size() * sizeof(T));
    for (size_t first = begin; first < end; first += scratch.block) {
        const size_t rows = end - first < scratch.block ? end - first : scratch.block;
        const size_t at = (first - begin) * Hp, size = rows * Hp;
        forward(network, rows, scratch, [&](T* Z1) {
            for (size_t shard = 0; shard < sums.shards; ++shard) {
                const T* part = sums.Z1 + shard * sums.stride + at;
                for (size_t j = 0; j < size; j += lanes<T>)
                    store(Z1 + j, load(Z1 + j) + load(part + j));
            }
        });
        output_gradient(
            layout, samples, first, rows, scratch.dZ[layout.depth - 1], scratch.sums, metrics);
        backward(network, rows, scratch, layout, gradient);
        for (size_t j = 0; j < size; j += lanes<T>)
            store(sums.dZ1 + at + j, load(scratch.dZ[0] + j) * sums.scale);
    }
    return metrics;
}

}  // namespace handgrad::HANDGRAD_VARIANT
