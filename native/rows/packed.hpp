// Rows packed once for many passes. Slices of rows read their non-zeros as compressed sparse rows,
// and in full batches as compressed sparse columns of each block, too. Shards of features read
// groups of four. Whether zeros are skipped is decided here.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "buffer.hpp"
#include "threads/thread_pool.hpp"
#include "variants/kernels.hpp"

namespace handgrad {

// The share of non-zeros below which gathering them pays; measured by benchmarks/density.py.
inline constexpr double sparse_below = 0.4;

// The share of non-zeros among some of the rows, evenly spread.
template <class T> double density(const Kernels<T>& kernels, const Rows& rows) {
    const size_t samples = std::min<size_t>(rows.count, 256);
    size_t nonzeros = 0;
    for (size_t i = 0; i < samples; ++i)
        nonzeros += kernels.count_nonzeros(rows, rows.count * i / samples);
    return static_cast<double>(nonzeros) /
           static_cast<double>(std::max<size_t>(samples * rows.features, 1));
}

inline size_t most_in_row(const Rows& rows) {
    if (!rows.sparse()) return rows.features;
    size_t most = 0;
    for (size_t row = 0; row < rows.count; ++row)
        most = std::max(most, rows.starts[row + 1] - rows.starts[row]);
    return most;
}

// Calls action(row, room) for each row, with room in which the row's non-zeros are found.
template <class T, class Action>
void each_row(ThreadPool& pool, const Rows& rows, const Action& action) {
    constexpr size_t part = 512;  // rows of a task
    const size_t size = (rows.features + 128) / 64 * 64 * (sizeof(T) + 4);
    const Buffer<unsigned char> rooms(product(size, pool.workers()));
    pool.for_each((rows.count + part - 1) / part, [&](size_t task, size_t worker) {
        const size_t end = std::min(rows.count, (task + 1) * part);
        for (size_t row = task * part; row < end; ++row) action(row, rooms.data() + worker * size);
    });
}

// Bytes stay bytes, which takes little memory; other numbers become T.
template <class T> class PackedRows {
  public:
    // With `columns` for passes over all rows in their order, where those pay.
    PackedRows(const Kernels<T>& kernels, const Rows& rows, ThreadPool& pool, bool columns)
        : starts_(rows.count + 1), rows_(rows) {
        starts_[0] = 0;
        each_row<T>(pool, rows,
            [&](size_t row, void*) { starts_[row + 1] = kernels.count_nonzeros(rows, row); });
        std::partial_sum(starts_.data(), starts_.data() + starts_.size(), starts_.data());
        const size_t total = starts_[rows.count];
        indices_ = Buffer<unsigned char>(product(total, rows_.short_indices ? 2 : 4));
        if (rows.type != Number::uint8) rows_.type = number_of<T>();
        values_ = Buffer<unsigned char>(product(total, size_of(rows_.type)));
        rows_.starts = starts_.data();
        rows_.indices = indices_.data();
        rows_.values = values_.data();
        each_row<T>(
            pool, rows, [&](size_t row, void* room) { kernels.pack(rows, row, rows_, room); });
        if (columns) pack_columns(pool);
    }
    PackedRows(const PackedRows&) = delete;

    const Rows& rows() const { return rows_; }

  private:
    void pack_columns(ThreadPool& pool) {
        const size_t blocks = (rows_.count + CscBlocks::block - 1) / CscBlocks::block;
        const size_t total = starts_[rows_.count], D = rows_.features;
        if (total < 8 * product(blocks, D)) return;             // too few entries per feature
        if (D >= (size_t{1} << 32) / CscBlocks::block) return;  // for 32 bits
        column_starts_ = Buffer<uint32_t>(product(blocks, D + 1));
        places_ = Buffer<uint8_t>(total);
        column_values_ = Buffer<unsigned char>(product(total, size_of(rows_.type)));
        const Buffer<uint32_t> next(product(pool.workers(), D + 1));
        pool.for_each(blocks, [&](size_t block, size_t worker) {
            uint32_t* places = next.data() + worker * (D + 1);
            with_index(rows_.short_indices, [&](auto index) {
                if (rows_.type == Number::uint8)
                    transpose<decltype(index), uint8_t>(block, places);
                else
                    transpose<decltype(index), T>(block, places);
            });
        });
        columns_ = {column_starts_.data(), places_.data(), column_values_.data()};
        rows_.csc = &columns_;
    }

    // Sorts the entries of a block by feature, rows in their order.
    template <class Index, class X> void transpose(size_t block, uint32_t* places) {
        const size_t D = rows_.features, first = block * CscBlocks::block;
        const size_t last = std::min(rows_.count, first + CscBlocks::block);
        const size_t base = rows_.starts[first], end = rows_.starts[last];
        const Index* indices = static_cast<const Index*>(rows_.indices);
        const X* from = static_cast<const X*>(rows_.values);
        X* to = reinterpret_cast<X*>(column_values_.data()) + base;
        std::fill_n(places, D + 1, 0);
        for (size_t i = base; i < end; ++i) ++places[indices[i] + 1];
        std::partial_sum(places, places + D + 1, places);
        std::copy_n(places, D + 1, column_starts_.data() + block * (D + 1));
        for (size_t row = first; row < last; ++row)
            for (size_t i = rows_.starts[row]; i < rows_.starts[row + 1]; ++i) {
                const uint32_t place = places[indices[i]]++;
                places_[base + place] = static_cast<uint8_t>(row - first);
                to[place] = from[i];
            }
    }

    Buffer<size_t> starts_;
    Buffer<unsigned char> indices_, values_, column_values_;
    Buffer<uint32_t> column_starts_;
    Buffer<uint8_t> places_;
    CscBlocks columns_{};
    Rows rows_;
};

// Where the features are cut, 0 and D included: into shards of about as many non-zeros each.
// Two numbers, 0 and D, where more would not pay.
inline std::vector<size_t> cut_features(const Rows& rows, const Layout& layout, size_t batch) {
    constexpr size_t most = 8;       // shards
    constexpr size_t enough = 2048;  // multiply-adds of 16 numbers per shard
    constexpr size_t a_row = 32;     // non-zeros of a row and shard
    const size_t samples = std::min<size_t>(rows.count, 256);
    std::vector<uint32_t> counts(rows.features, 0);
    for (size_t i = 0; i < samples; ++i)
        with_values(rows, rows.count * i / samples * rows.stride, [&](const auto* values) {
            for (size_t d = 0; d < rows.features; ++d) counts[d] += values[d] != 0;
        });
    std::vector<size_t> upto{0};
    for (const uint32_t count : counts) upto.push_back(upto.back() + count);
    const size_t nonzeros = upto.back() / std::max<size_t>(samples, 1);  // of a row
    const size_t work = nonzeros * batch * ((layout.first().W.outputs + 15) / 16);
    size_t shards = 1;  // a power of two, so that all workers have the same number
    while (2 * shards <= std::min({most, work / enough, nonzeros / a_row})) shards *= 2;
    std::vector<size_t> cuts{0};
    for (size_t d = 1; d < rows.features && cuts.size() < shards; ++d)
        if (upto[d] * shards >= upto.back() * cuts.size()) cuts.push_back(d);
    cuts.push_back(rows.features);
    return cuts;
}

// The rows' non-zeros as groups, which lie one behind the other as a row's products read them:
// a row that comes from anywhere is found in one place.
template <class T> class PackedShards {
  public:
    PackedShards(const Kernels<T>& kernels, const Rows& rows, const std::vector<size_t>& cuts,
        ThreadPool& pool)
        : starts_(product(rows.count, cuts.size() - 1) + 1) {
        const size_t shards = cuts.size() - 1;
        std::vector<Rows> parts(shards, rows);
        for (size_t s = 0; s < shards; ++s) {
            parts[s].features = cuts[s + 1] - cuts[s];
            with_values(rows, cuts[s], [&](const auto* values) { parts[s].values = values; });
        }
        starts_[0] = 0;
        each_row<T>(pool, rows, [&](size_t row, void*) {
            for (size_t s = 0; s < shards; ++s)
                starts_[row * shards + s + 1] =
                    static_cast<uint32_t>((kernels.count_nonzeros(parts[s], row) + 3) / 4);
        });
        std::partial_sum(starts_.data(), starts_.data() + starts_.size(), starts_.data());
        const bool short_indices = rows.short_indices;
        const size_t size = 4 * (sizeof(T) + (short_indices ? 2 : 4));
        groups_ = Buffer<unsigned char>(product(starts_[rows.count * shards], size));
        each_row<T>(pool, rows, [&](size_t row, void* room) {
            for (size_t s = 0; s < shards; ++s) {
                const size_t start = starts_[row * shards + s];
                kernels.pack_groups(parts[s], row, short_indices, groups_.data() + start * size,
                    starts_[row * shards + s + 1] - start, room);
            }
        });
        rows_ = {shards, starts_.data(), groups_.data(), short_indices};
    }

    // Whether 32 bits count the groups of such rows.
    static bool holds(const Rows& rows) {
        return rows.count < (size_t{1} << 32) / (rows.features / 4 + 8);
    }

    const ShardedRows& rows() const { return rows_; }

  private:
    Buffer<uint32_t> starts_;
    Buffer<unsigned char> groups_;
    ShardedRows rows_;
};

}  // namespace handgrad
