// Rows made ready for a pass or a run: whether their zeros are skipped is decided here, from a
// sample of them, and for a run the non-zeros are packed once.
#pragma once

#include <algorithm>
#include <vector>

#include "buffer.hpp"
#include "kernels.hpp"
#include "team.hpp"

namespace handgrad {

// The share of zeros from which gathering the rest pays; measured, see benchmarks/.
inline constexpr double sparse_below = 0.4;

// The share of non-zeros among some of the rows, evenly spread.
template <class T> double density(const Kernels<T>& kernels, const Rows& rows) {
    const std::size_t samples = std::min<std::size_t>(rows.count, 256);
    std::size_t nonzeros = 0;
    for (std::size_t i = 0; i < samples; ++i)
        nonzeros += kernels.count_nonzeros(rows, rows.count * i / samples);
    return static_cast<double>(nonzeros) /
           static_cast<double>(std::max<std::size_t>(samples * rows.features, 1));
}

inline std::size_t most_in_row(const Rows& rows) {
    if (!rows.sparse()) return rows.features;
    std::int64_t most = 0;
    for (std::size_t row = 0; row < rows.count; ++row)
        most = std::max(most, rows.starts[row + 1] - rows.starts[row]);
    return static_cast<std::size_t>(most);
}

// Pixels may stay pixels, which takes little memory, or become numbers, which saves time when
// they are read; then each row is filled up with zeros to whole rounds of the products' loops.
enum class Packing : std::uint8_t { small, fast };

// Rows whose non-zeros were packed. Where the features are cut into shards, a row becomes as many
// packed rows, one behind the other: those of shard s are s, s + shards, … A row that is read
// from here and there then lies in one place.
template <class T> class Packed {
  public:
    Packed(const Kernels<T>& kernels, const Rows& rows, Packing packing, Team& team,
           std::size_t workers, const std::vector<std::size_t>& cuts)
        : shards_(cuts.size() - 1), starts_(product(rows.count, shards_) + 1), rows_(rows) {
        std::vector<Rows> parts;
        for (std::size_t s = 0; s < shards_; ++s)
            parts.push_back(some_features(rows, cuts[s], cuts[s + 1]));
        each_row(team, [&](std::size_t row, std::size_t) {
            const std::size_t unit = packing == Packing::fast ? packed_unit : 1;
            for (std::size_t s = 0; s < shards_; ++s)
                starts_[row * shards_ + s + 1] = static_cast<std::int64_t>(
                    (kernels.count_nonzeros(parts[s], row) + unit - 1) / unit * unit);
        });
        starts_[0] = 0;
        for (std::size_t row = 0; row < rows.count * shards_; ++row)
            starts_[row + 1] += starts_[row];
        const std::size_t total = static_cast<std::size_t>(starts_[rows.count * shards_]);
        rows_.short_indices = rows.features <= 65536;
        indices_ = Buffer<unsigned char>(product(total, rows_.short_indices ? 2 : 4));
        if (rows.type != Number::pixel || packing == Packing::fast)
            rows_.type = sizeof(T) == 4 ? Number::single : Number::twofold;
        values_ = Buffer<unsigned char>(product(total, rows_.type == Number::pixel ? 1 : sizeof(T)));
        rows_.starts = starts_.data();
        rows_.indices = indices_.data();
        rows_.values = values_.data();
        const std::size_t room = (rows.features + 128) / 64 * 64 * (sizeof(T) + 4);
        const Buffer<unsigned char> rooms(product(room, workers));
        each_row(team, [&](std::size_t row, std::size_t worker) {
            for (std::size_t s = 0; s < shards_; ++s)
                kernels.pack(parts[s], row, {rows_, row * shards_ + s}, rooms.data() + worker * room);
        });
    }

    Packed(const Kernels<T>& kernels, const Rows& rows, Packing packing, Team& team,
           std::size_t workers)
        : Packed(kernels, rows, packing, team, workers, {0, rows.features}) {}

    const Rows& rows() const { return rows_; }

    // Adds the columns, for passes over all rows in their order.
    void add_columns(Team& team, std::size_t workers) {
        const std::size_t blocks = (rows_.count + Columns::block - 1) / Columns::block;
        const std::size_t total = static_cast<std::size_t>(starts_[rows_.count]);
        if (total < 8 * product(blocks, rows_.features)) return;  // too few entries a feature
        column_starts_ = Buffer<std::uint32_t>(product(blocks, rows_.features + 1));
        column_rows_ = Buffer<std::uint8_t>(total);
        column_values_ = Buffer<unsigned char>(values_.size());
        const Buffer<std::uint32_t> next(product(workers, rows_.features + 1));
        team.each(blocks, [&](std::size_t block, std::size_t worker) {
            std::uint32_t* places = next.data() + worker * (rows_.features + 1);
            if (rows_.short_indices)
                transpose<std::uint16_t>(block, places);
            else
                transpose<std::int32_t>(block, places);
        });
        columns_ = {column_starts_.data(), column_rows_.data(), column_values_.data()};
        rows_.columns = &columns_;
    }

  private:
    // Sorts the entries of a block by feature, rows in their order.
    template <class Index> void transpose(std::size_t block, std::uint32_t* places) {
        const std::size_t first = block * Columns::block;
        const std::size_t last = std::min(rows_.count, first + Columns::block);
        const std::size_t base = static_cast<std::size_t>(starts_[first]);
        const std::size_t end = static_cast<std::size_t>(starts_[last]);
        const Index* indices = reinterpret_cast<const Index*>(indices_.data());
        std::fill(places, places + rows_.features + 1, 0);
        for (std::size_t i = base; i < end; ++i) ++places[indices[i] + 1];
        for (std::size_t d = 0; d < rows_.features; ++d) places[d + 1] += places[d];
        std::copy(places, places + rows_.features + 1,
                  column_starts_.data() + block * (rows_.features + 1));
        for (std::size_t row = first; row < last; ++row)
            for (std::size_t i = static_cast<std::size_t>(starts_[row]);
                 i < static_cast<std::size_t>(starts_[row + 1]); ++i) {
                const std::size_t place = base + places[indices[i]]++;
                column_rows_[place] = static_cast<std::uint8_t>(row - first);
                copy_value(place, i);
            }
    }

    void copy_value(std::size_t to, std::size_t from) {
        if (rows_.type == Number::pixel)
            column_values_[to] = values_[from];
        else
            reinterpret_cast<T*>(column_values_.data())[to] =
                reinterpret_cast<const T*>(values_.data())[from];
    }

    template <class Action> void each_row(Team& team, const Action& action) const {
        constexpr std::size_t part = 512;  // rows of a task
        team.each((rows_.count + part - 1) / part, [&](std::size_t task, std::size_t worker) {
            const std::size_t end = std::min(rows_.count, (task + 1) * part);
            for (std::size_t row = task * part; row < end; ++row) action(row, worker);
        });
    }

    std::size_t shards_;
    Buffer<std::int64_t> starts_;
    Buffer<unsigned char> indices_, values_;
    Buffer<std::uint32_t> column_starts_;
    Buffer<std::uint8_t> column_rows_;
    Buffer<unsigned char> column_values_;
    Columns columns_{};
    Rows rows_;
};

}  // namespace handgrad
