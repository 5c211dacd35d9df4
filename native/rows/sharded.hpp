// Rows packed for batches, whose features are cut into shards.
#pragma once

#include <algorithm>
#include <vector>

#include "buffer.hpp"
#include "rows/packed.hpp"

namespace handgrad {

// Where the features are cut, 0 and D included: into shards of about as many non-zeros each.
// Two numbers, 0 and D, where more would not pay.
template <class T> std::vector<size_t> cut_features(
    const Kernels<T>& kernels, const Rows& rows, const Layout& layout, size_t batch) {
    constexpr size_t most = 8;       // shards
    constexpr size_t enough = 2048;  // multiply-adds of 16 numbers per shard
    constexpr size_t a_row = 32;     // non-zeros of a row and shard
    const size_t samples = std::min<size_t>(rows.count, 256);
    std::vector<uint32_t> counts(rows.features, 0);
    for (size_t i = 0; i < samples; ++i)
        kernels.count_by_feature(rows, rows.count * i / samples, counts.data());
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
        std::vector<Rows> parts;
        parts.reserve(shards);
        for (size_t s = 0; s < shards; ++s)
            parts.push_back(some_features(rows, cuts[s], cuts[s + 1]));
        each_row(pool, rows.count, [&](size_t row, size_t) {
            for (size_t s = 0; s < shards; ++s)
                starts_[row * shards + s + 1] =
                    static_cast<uint32_t>((kernels.count_nonzeros(parts[s], row) + 3) / 4);
        });
        starts_[0] = 0;
        for (size_t i = 0; i < rows.count * shards; ++i) starts_[i + 1] += starts_[i];
        const bool short_indices = rows.features <= 65536;
        const size_t size = 4 * (sizeof(T) + (short_indices ? 2 : 4));
        groups_ = Buffer<unsigned char>(product(starts_[rows.count * shards], size));
        const size_t room = room_of_a_row<T>(rows);
        const Buffer<unsigned char> rooms(product(room, pool.workers()));
        each_row(pool, rows.count, [&](size_t row, size_t worker) {
            for (size_t s = 0; s < shards; ++s) {
                const size_t start = starts_[row * shards + s];
                kernels.pack_groups(parts[s], row, short_indices, groups_.data() + start * size,
                    starts_[row * shards + s + 1] - start, rooms.data() + worker * room);
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
