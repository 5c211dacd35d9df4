// The weights of the first layer, cut into shards of features, and the rows packed to fit them. A
// shard's weights lie in as few panels as their width allows, each with the moments of its rule.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "network/storage.hpp"
#include "rows/packed.hpp"
#include "schedule/trainer.hpp"

namespace handgrad {

// Whether a batch makes few slices of rows, and its numbers stay in the workers' caches. Slices of
// rows are as fast for larger ones.
inline bool is_small_batch(const Rows& rows, size_t batch) {
    constexpr size_t most = 1024, numbers = 1 << 22;
    return batch <= most && rows.features <= numbers / batch;
}

// Whether steps of batches are faster with the first layer's weights in shards.
template <class T> bool worth_sharding(const Samples<T>& samples, size_t batch) {
    const Rows& rows = *samples.rows;
    return samples.skip_zeros && is_small_batch(rows, batch) && PackedShards<T>::holds(rows);
}

template <class T> class Shards {
  public:
    Shards(const Kernels<T>& kernels, const Layout& layout, const NetworkArrays<const T>& from,
        const Samples<T>& samples, size_t batch, size_t threads)
        : kernels_(kernels), features_(layout.first().W.inputs) {
        const Rows& rows = *samples.rows;
        const std::vector<size_t> cuts = cut_features(rows, layout, batch);
        {
            ThreadPool pool(workers_for(work_of_reading(rows), threads));
            packed_ = std::make_unique<PackedShards<T>>(kernels, rows, cuts, pool);
        }
        for (size_t s = 0; s + 1 < cuts.size(); ++s) {
            const Matrix W1 = wide(cuts[s + 1] - cuts[s], layout.first().W.outputs);
            shards_.push_back(std::make_unique<Shard>(W1, cuts[s], batch));
        }
        read(Part::values, from);
        for (const auto& shard : shards_)
            shard->squares = kernels_.sum_of_squares(shard->values(), shard->W1.size());
    }

    size_t count() const { return shards_.size(); }
    size_t weights(size_t s) const { return shards_[s]->W1.size(); }

    // The weights of the largest shard.
    size_t largest() const {
        size_t largest = 0;
        for (const auto& shard : shards_) largest = std::max(largest, shard->W1.size());
        return largest;
    }

    // Finds a batch's rows, for step().
    void find(size_t s, const Samples<T>& samples, size_t begin, size_t end) const {
        kernels_.find_ranges(samples, {packed_->rows(), s, s}, begin, end - begin, ranges(s));
    }
    GroupRange* ranges(size_t s) const { return shards_[s]->ranges.data(); }

    // Z1 of the samples from begin to end over one shard's features, or what it adds to Z1. Finds
    // the samples, and prefetches the coming ones for the shards up to fetch_to.
    void forward(size_t s, size_t fetch_to, const Samples<T>& samples, size_t begin, size_t end,
        GroupRange* ranges, bool adds, T* Z1) const {
        const auto forward = adds ? kernels_.shard_forward_added : kernels_.shard_forward;
        forward(shards_[s]->W1, shards_[s]->values(), samples, {packed_->rows(), s, fetch_to},
            begin, end, ranges, Z1);
    }

    // Takes a step with one shard's weights, and the gradient that the rows' dZ1 gives: in room,
    // which holds zeros before and after. Without room dZ1 is times −rate and goes straight into
    // the weights (U1).
    void step(size_t s, const Rule<T>& rule, size_t rows, const T* dZ1, T* room) const {
        Shard& shard = *shards_[s];
        const size_t size = shard.W1.size();
        T* const values = shard.values();
        T* const dW1 = room ? room : values;
        const Update<T> update = shard.state.update(dW1, 1, 0);
        if (!room && rule.decay != 0)
            kernels_.update(plain_descent(rule.rate * rule.decay), update, 0, size);
        kernels_.shard_backward(shard.W1, packed_->rows(), shard.ranges.data(), rows, dZ1, dW1);
        if (room)
            shard.squares = kernels_.update_weights(rule, update, dW1, size);
        else if (rule.decay != 0)
            shard.squares = kernels_.sum_of_squares(values, size);
    }

    // The sum and Σ W1².
    double add_squares(double sum) const {
        for (const auto& shard : shards_) sum += shard->squares;
        return sum;
    }

    void prepare_moments() const {
        for (const auto& shard : shards_) shard->state.prepare_moments();
    }
    void write(Part part, const NetworkArrays<T>& to) const {
        for (const auto& shard : shards_)
            transpose_out(
                shard->W1, shard->state.of(part), to.front().W + shard->first_feature, features_);
    }
    void read(Part part, const NetworkArrays<const T>& from) const {
        for (const auto& shard : shards_)
            transpose_in(
                shard->W1, from.front().W + shard->first_feature, features_, shard->state.of(part));
    }

  private:
    struct Shard {
        Matrix W1;
        size_t first_feature;
        State<T> state;
        double squares = 0;         // of the weights, where they decay
        Buffer<GroupRange> ranges;  // of the batch's rows

        Shard(const Matrix& W1, size_t first_feature, size_t batch)
            : W1(W1), first_feature(first_feature), state(W1.size()), ranges(batch) {}
        T* values() const { return state.values.data(); }
    };

    // In as few panels as their width allows, of about equal width.
    Matrix wide(size_t inputs, size_t outputs) const {
        const size_t vectors = (outputs + kernels_.lanes - 1) / kernels_.lanes;
        const size_t panels = (vectors + kernels_.shard_vectors - 1) / kernels_.shard_vectors;
        return {inputs, outputs, kernels_.lanes, (vectors + panels - 1) / panels * kernels_.lanes};
    }

    const Kernels<T>& kernels_;
    const size_t features_;
    std::unique_ptr<PackedShards<T>> packed_;
    std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace handgrad
