// Rows packed once for many passes: their non-zeros as compressed sparse rows, and for full batches
// as compressed sparse columns of each block, too. Whether zeros are skipped is decided here.
#pragma once

#include <algorithm>
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

// Calls action(row, worker) for each row.
template <class Action> void each_row(ThreadPool& pool, size_t rows, const Action& action) {
    constexpr size_t part = 512;  // rows of a task
    pool.for_each((rows + part - 1) / part, [&](size_t task, size_t worker) {
        const size_t end = std::min(rows, (task + 1) * part);
        for (size_t row = task * part; row < end; ++row) action(row, worker);
    });
}

// Room in which a worker finds a row's non-zeros.
template <class T> size_t room_of_a_row(const Rows& rows) {
    return (rows.features + 128) / 64 * 64 * (sizeof(T) + 4);
}

// Bytes stay bytes, which takes little memory; other numbers become T.
template <class T> class PackedRows {
  public:
    PackedRows(const Kernels<T>& kernels, const Rows& rows, ThreadPool& pool)
        : starts_(rows.count + 1), rows_(rows) {
        each_row(pool, rows.count,
            [&](size_t row, size_t) { starts_[row + 1] = kernels.count_nonzeros(rows, row); });
        starts_[0] = 0;
        for (size_t row = 0; row < rows.count; ++row) starts_[row + 1] += starts_[row];
        const size_t total = starts_[rows.count];
        rows_.short_indices = rows.features <= 65536;
        indices_ = Buffer<unsigned char>(product(total, rows_.short_indices ? 2 : 4));
        if (rows.type != Number::uint8) rows_.type = number_of<T>();
        values_ = Buffer<unsigned char>(product(total, size_of(rows_.type)));
        rows_.starts = starts_.data();
        rows_.indices = indices_.data();
        rows_.values = values_.data();
        const size_t room = room_of_a_row<T>(rows);
        const Buffer<unsigned char> rooms(product(room, pool.workers()));
        each_row(pool, rows.count, [&](size_t row, size_t worker) {
            kernels.pack(rows, row, rows_, rooms.data() + worker * room);
        });
    }

    const Rows& rows() const { return rows_; }

  private:
    Buffer<size_t> starts_;
    Buffer<unsigned char> indices_, values_;
    Rows rows_;
};

// The columns of packed rows, for passes over all rows in their order.
template <class T> class PackedColumns {
  public:
    PackedColumns(const Rows& rows, ThreadPool& pool) : rows_(rows) {
        const size_t blocks = (rows.count + CscBlocks::block - 1) / CscBlocks::block;
        const size_t total = rows.starts[rows.count];
        if (total < 8 * product(blocks, rows.features)) return;  // too few entries per feature
        if (rows.features >= (size_t{1} << 32) / CscBlocks::block) return;  // for 32 bits
        starts_ = Buffer<uint32_t>(product(blocks, rows.features + 1));
        places_ = Buffer<uint8_t>(total);
        values_ = Buffer<unsigned char>(product(total, size_of(rows.type)));
        const Buffer<uint32_t> next(product(pool.workers(), rows.features + 1));
        pool.for_each(blocks, [&](size_t block, size_t worker) {
            uint32_t* places = next.data() + worker * (rows.features + 1);
            with_index(rows.short_indices, [&](auto index) {
                if (rows.type == Number::uint8)
                    transpose<decltype(index), uint8_t>(block, places);
                else
                    transpose<decltype(index), T>(block, places);
            });
        });
        columns_ = {starts_.data(), places_.data(), values_.data()};
        rows_.csc = &columns_;
    }
    PackedColumns(const PackedColumns&) = delete;
    PackedColumns& operator=(const PackedColumns&) = delete;

    // The same rows, with their columns where those pay.
    const Rows& rows() const { return rows_; }

  private:
    // Sorts the entries of a block by feature, rows in their order.
    template <class Index, class X> void transpose(size_t block, uint32_t* places) {
        const size_t D = rows_.features, first = block * CscBlocks::block;
        const size_t last = std::min(rows_.count, first + CscBlocks::block);
        const size_t base = rows_.starts[first], end = rows_.starts[last];
        const Index* indices = static_cast<const Index*>(rows_.indices);
        const X* from = static_cast<const X*>(rows_.values);
        X* to = reinterpret_cast<X*>(values_.data()) + base;
        std::fill_n(places, D + 1, 0);
        for (size_t i = base; i < end; ++i) ++places[indices[i] + 1];
        for (size_t d = 0; d < D; ++d) places[d + 1] += places[d];
        std::copy_n(places, D + 1, starts_.data() + block * (D + 1));
        for (size_t row = first; row < last; ++row)
            for (size_t i = rows_.starts[row]; i < rows_.starts[row + 1]; ++i) {
                const uint32_t place = places[indices[i]]++;
                places_[base + place] = static_cast<uint8_t>(row - first);
                to[place] = from[i];
            }
    }

    Buffer<uint32_t> starts_;
    Buffer<uint8_t> places_;
    Buffer<unsigned char> values_;
    CscBlocks columns_{};
    Rows rows_;
};

}  // namespace handgrad
