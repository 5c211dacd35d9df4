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

// Calls action(row, worker) for each row.
template <class Action>
void each_row(Team& team, std::size_t rows, const Action& action) {
    constexpr std::size_t part = 512;  // rows of a task
    team.each((rows + part - 1) / part, [&](std::size_t task, std::size_t worker) {
        const std::size_t end = std::min(rows, (task + 1) * part);
        for (std::size_t row = task * part; row < end; ++row) action(row, worker);
    });
}

// Room in which a worker finds a row's non-zeros.
template <class T> std::size_t room_of_a_row(const Rows& rows) {
    return (rows.features + 128) / 64 * 64 * (sizeof(T) + 4);
}

// Rows whose non-zeros were packed: bytes stay bytes, which takes little memory.
template <class T> class Packed {
  public:
    Packed(const Kernels<T>& kernels, const Rows& rows, Team& team, std::size_t workers)
        : starts_(rows.count + 1), rows_(rows) {
        each_row(team, rows.count, [&](std::size_t row, std::size_t) {
            starts_[row + 1] = static_cast<std::int64_t>(kernels.count_nonzeros(rows, row));
        });
        starts_[0] = 0;
        for (std::size_t row = 0; row < rows.count; ++row) starts_[row + 1] += starts_[row];
        const std::size_t total = static_cast<std::size_t>(starts_[rows.count]);
        rows_.short_indices = rows.features <= 65536;
        indices_ = Buffer<unsigned char>(product(total, rows_.short_indices ? 2 : 4));
        if (rows.type != Number::byte)
            rows_.type = sizeof(T) == 4 ? Number::single : Number::twofold;
        values_ = Buffer<unsigned char>(product(total, rows_.type == Number::byte ? 1 : sizeof(T)));
        rows_.starts = starts_.data();
        rows_.indices = indices_.data();
        rows_.values = values_.data();
        const std::size_t room = room_of_a_row<T>(rows);
        const Buffer<unsigned char> rooms(product(room, workers));
        each_row(team, rows.count, [&](std::size_t row, std::size_t worker) {
            kernels.pack(rows, row, {rows_, row}, rooms.data() + worker * room);
        });
    }

    const Rows& rows() const { return rows_; }

    // Adds the columns, for passes over all rows in their order.
    void add_columns(Team& team, std::size_t workers) {
        const std::size_t blocks = (rows_.count + Columns::block - 1) / Columns::block;
        const std::size_t total = static_cast<std::size_t>(starts_[rows_.count]);
        if (total < 8 * product(blocks, rows_.features)) return;  // too few entries a feature
        if (rows_.features >= (std::size_t{1} << 32) / Columns::block) return;  // for 32 bits
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
        if (rows_.type == Number::byte)
            column_values_[to] = values_[from];
        else
            reinterpret_cast<T*>(column_values_.data())[to] =
                reinterpret_cast<const T*>(values_.data())[from];
    }

    Buffer<std::int64_t> starts_;
    Buffer<unsigned char> indices_, values_;
    Buffer<std::uint32_t> column_starts_;
    Buffer<std::uint8_t> column_rows_;
    Buffer<unsigned char> column_values_;
    Columns columns_{};
    Rows rows_;
};

}  // namespace handgrad
