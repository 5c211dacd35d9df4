// What trains in batches; how many workers a call is worth, by estimates of its work; and their
// scratch memory.
//
// To start a thread takes 0.1 ms if a processor is idle, and milliseconds if the new thread has to
// wait for one. So small calls run in the caller's thread. The estimates follow from sizes alone,
// and bits do not depend on them.
#pragma once

#include <algorithm>
#include <vector>

#include "buffer.hpp"
#include "network/storage.hpp"
#include "threads/thread_pool.hpp"

namespace handgrad {

// Work is counted in multiply-adds of whole vectors, of about 0.3 ns each with AVX-512. A worker
// must have 0.6 ms of it in a call, which starts its thread, and 45 µs in a step, which ends with a
// barrier (see benchmarks/small_fits.py).
inline constexpr double work_in_a_call = 2e6, work_in_a_step = 1.5e5;

// How many of at most `threads` workers get that much work, if each must have `least`.
inline size_t workers_for(double work, size_t threads, double least = work_in_a_call) {
    const double worth = work / least;
    if (worth >= static_cast<double>(threads)) return std::max<size_t>(threads, 1);
    return std::max<size_t>(static_cast<size_t>(worth), 1);
}

// The work of a pass forward over that many rows; the way back takes as much again.
template <class T>
double work_of_passes(const Samples<T>& samples, const Layout& layout, double rows) {
    constexpr double a_row = 48;  // exponentials, logarithm and bookkeeping
    const Rows& given = *samples.rows;
    double nonzeros = static_cast<double>(given.features);
    if (given.sparse())
        nonzeros = static_cast<double>(given.starts[given.count]) /
                   static_cast<double>(std::max<size_t>(given.count, 1));
    else if (samples.skip_zeros)
        nonzeros /= 4;
    double numbers = nonzeros * static_cast<double>(layout.first().W.stride());
    for (size_t l = 1; l < layout.depth; ++l)
        numbers += static_cast<double>(layout.layers[l].W.size());
    return rows * (numbers / static_cast<double>(layout.first().W.lanes) + a_row);
}

// The work of looking at each number of some rows.
inline double work_of_reading(const Rows& rows) {
    if (rows.sparse()) return static_cast<double>(rows.starts[rows.count]);
    return static_cast<double>(rows.count) * static_cast<double>(rows.features);
}

inline constexpr size_t numbers_of_a_block = 1 << 20;

// The rows of a block where a part of the rows is one slice: the same for rows as they lie and for
// packed ones, since the cost is added up block by block.
inline size_t block_of_one_slice(const Rows& rows) {
    return std::clamp<size_t>(
        numbers_of_a_block / std::max<size_t>(rows.features, 1), 1, CscBlocks::block);
}

// The scratch memory of every worker.
template <class T> class Workspace {
  public:
    // `most` is the largest number of non-zeros of a row; of dense rows, their features.
    Workspace(
        const Layout& layout, const Samples<T>& samples, size_t most, size_t rows, size_t workers) {
        const bool nonzeros = samples.nonzeros();
        const size_t features = std::min(most, chunk);
        const size_t a_row = nonzeros ? most : features;
        size_t widest = 1;
        for (const Layer& layer : layout) widest = std::max(widest, layer.W.stride());
        const size_t part = std::clamp<size_t>(numbers_of_a_block / std::max(a_row, widest), 1,
            std::min(part_rows, std::max<size_t>(rows, 1)));
        const size_t block = samples.scale_sums  ? block_of_one_slice(*samples.rows)
                             : samples.rows->csc ? CscBlocks::block
                                                 : part;
        const size_t numbers = product(block, a_row) + slack;
        const size_t lanes = layout.first().W.lanes, padded = (block + lanes - 1) / lanes * lanes;
        layers_.reserve(workers);
        for (size_t worker = 0; worker < workers; ++worker) {
            starts_.emplace_back(block + 1);
            indices_.emplace_back(nonzeros ? numbers : 0);
            const std::vector<T*>& layers = layers_.emplace_back(numbers_of_layers(layout, block));
            Scratch<T> scratch{};
            scratch.block = block;
            scratch.part = part;
            scratch.features = std::max<size_t>(features, 1);
            scratch.starts = starts_.back().data();
            scratch.indices = indices_.back().data();
            scratch.values = numbers_of(numbers);
            scratch.dZ = layers.data();
            scratch.A = layers.data() + layout.depth;
            scratch.sums = numbers_of(padded);
            scratch_.push_back(scratch);
        }
    }

    const Scratch<T>& operator[](size_t worker) const { return scratch_[worker]; }

  private:
    static constexpr size_t part_rows = 64;
    static constexpr size_t chunk = 1024;  // dense features converted at a time
    static constexpr size_t slack = 64;    // non-zeros are written in whole vectors

    T* numbers_of(size_t size) {
        numbers_.emplace_back(size);
        return numbers_.back().data();
    }

    // Each layer's dZ, then each hidden layer's A. L5 reads the dZ of one layer and writes that of
    // the layer before, so that every other one shares its memory.
    std::vector<T*> numbers_of_layers(const Layout& layout, size_t block) {
        size_t widest[2] = {0, 0};
        for (size_t l = 0; l < layout.depth; ++l)
            widest[l % 2] = std::max(widest[l % 2], layout.layers[l].W.stride());
        T* const shared[] = {
            numbers_of(product(block, widest[0])), numbers_of(product(block, widest[1]))};
        std::vector<T*> of;
        of.reserve(2 * layout.depth);
        for (size_t l = 0; l < layout.depth; ++l) of.push_back(shared[l % 2]);
        for (size_t l = 0; l + 1 < layout.depth; ++l)
            of.push_back(numbers_of(product(block, layout.layers[l].W.stride())));
        return of;
    }

    std::vector<Scratch<T>> scratch_;
    std::vector<std::vector<T*>> layers_;
    std::vector<Buffer<size_t>> starts_;
    std::vector<Buffer<int32_t>> indices_;
    std::vector<Buffer<T>> numbers_;
};

// A step with the samples from begin to end, each with the same share unless they have their own.
template <class T> struct Batch {
    size_t begin, end;
    T share;
    Rule<T> rule;
};

template <class T> class Trainer {
  public:
    Samples<T> samples;

    explicit Trainer(const Samples<T>& samples) : samples(samples) {}
    Trainer(const Trainer&) = delete;
    virtual ~Trainer() = default;
    // How many workers have scratch memory: no thread pool may be larger.
    virtual size_t most_workers() const = 0;
    // How many workers a call gets whose steps read that many rows in total.
    virtual size_t workers(double rows) const = 0;
    // Takes the steps one after another; writes the cost before each, and the hits.
    virtual void run(ThreadPool&, const std::vector<Batch<T>>&, Metrics*) = 0;
    // Moments are zeros at first.
    virtual void write(Part, const NetworkArrays<T>& to) = 0;
    virtual void read(Part, const NetworkArrays<const T>& from) = 0;
};

}  // namespace handgrad
