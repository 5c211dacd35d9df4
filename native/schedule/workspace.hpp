// The scratch memory of every worker of a call.
#pragma once

#include <algorithm>
#include <vector>

#include "buffer.hpp"
#include "variants/kernels.hpp"

namespace handgrad {

template <class T> class Workspace {
  public:
    // `most` is the largest number of non-zeros of a row; of dense rows, their features.
    Workspace(
        const Layout& layout, const Samples<T>& samples, size_t most, size_t rows, size_t workers) {
        const Matrix &hidden = layout.first().W, &output = layout.last().W;
        const bool nonzeros = samples.rows->sparse() || samples.skip_zeros;
        const size_t features = std::min(most, chunk);
        const size_t a_row = nonzeros ? most : features;
        const size_t widest = std::max(hidden.stride(), output.stride());
        const size_t part = std::clamp<size_t>(budget / std::max<size_t>({a_row, widest, 1}), 1,
            std::min(part_rows, std::max<size_t>(rows, 1)));
        const size_t block = samples.rows->csc ? CscBlocks::block : part;
        const size_t numbers = product(block, a_row) + slack;
        const size_t padded = (block + hidden.lanes - 1) / hidden.lanes * hidden.lanes;
        scratch_.reserve(workers);
        for (size_t worker = 0; worker < workers; ++worker) {
            starts_.emplace_back(block + 1);
            indices_.emplace_back(nonzeros ? numbers : 0);
            Scratch<T> scratch{};
            scratch.block = block;
            scratch.part = part;
            scratch.features = std::max<size_t>(features, 1);
            scratch.starts = starts_.back().data();
            scratch.indices = indices_.back().data();
            scratch.values = numbers_of(numbers);
            scratch.A1 = numbers_of(product(block, hidden.stride()));
            scratch.dZ1 = numbers_of(product(block, hidden.stride()));
            scratch.dZ2 = numbers_of(product(block, output.stride()));
            scratch.sums = numbers_of(padded);
            scratch_.push_back(scratch);
        }
    }

    const Scratch<T>& operator[](size_t worker) const { return scratch_[worker]; }

  private:
    static constexpr size_t part_rows = 64;
    static constexpr size_t chunk = 1024;      // dense features converted at a time
    static constexpr size_t budget = 1 << 20;  // numbers of a block
    static constexpr size_t slack = 64;        // non-zeros are written in whole vectors

    T* numbers_of(size_t size) {
        numbers_.emplace_back(size);
        return numbers_.back().data();
    }

    std::vector<Scratch<T>> scratch_;
    std::vector<Buffer<size_t>> starts_;
    std::vector<Buffer<int32_t>> indices_;
    std::vector<Buffer<T>> numbers_;
};

}  // namespace handgrad
