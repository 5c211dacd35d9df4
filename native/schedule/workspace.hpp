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
    Workspace(const Layout& layout, const Samples<T>& samples, std::size_t most, std::size_t rows,
        std::size_t workers) {
        const Matrix &hidden = layout.first().W, &output = layout.last().W;
        const bool nonzeros = samples.rows->sparse() || samples.skip_zeros;
        const std::size_t features = std::min(most, chunk);
        const std::size_t a_row = nonzeros ? most : features;
        const std::size_t widest = std::max(hidden.stride(), output.stride());
        const std::size_t part =
            std::clamp<std::size_t>(budget / std::max<std::size_t>(std::max(a_row, widest), 1), 1,
                std::min(part_rows, std::max<std::size_t>(rows, 1)));
        const std::size_t block = samples.rows->csc ? CscBlocks::block : part;
        const std::size_t numbers = product(block, a_row) + slack;
        const std::size_t padded = (block + hidden.lanes - 1) / hidden.lanes * hidden.lanes;
        scratch_.reserve(workers);
        for (std::size_t worker = 0; worker < workers; ++worker) {
            starts_.emplace_back(block + 1);
            indices_.emplace_back(nonzeros ? numbers : 0);
            Scratch<T> scratch{};
            scratch.block = block;
            scratch.part = part;
            scratch.features = std::max<std::size_t>(features, 1);
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

    const Scratch<T>& operator[](std::size_t worker) const { return scratch_[worker]; }

  private:
    static constexpr std::size_t part_rows = 64;
    static constexpr std::size_t chunk = 1024;      // dense features converted at a time
    static constexpr std::size_t budget = 1 << 20;  // numbers of a block
    static constexpr std::size_t slack = 64;        // non-zeros are written in whole vectors

    T* numbers_of(std::size_t size) {
        numbers_.emplace_back(size);
        return numbers_.back().data();
    }

    std::vector<Scratch<T>> scratch_;
    std::vector<Buffer<std::size_t>> starts_;
    std::vector<Buffer<std::int32_t>> indices_;
    std::vector<Buffer<T>> numbers_;
};

}  // namespace handgrad
