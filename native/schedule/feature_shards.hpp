// Steps over batches of rows whose zeros are skipped, with the features cut into shards. A worker
// keeps the weights of its shards in its own cache from step to step; what workers exchange is
// small: each shard's part of Z1, and dZ1. No gradient of W1 is added up, and plain descent needs
// none: its steps go straight into W1.
//
// The cut depends on the rows and the batch size alone, and the shards are added in one fixed
// order, so that any number of threads gives the same bits.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "rows/packed.hpp"
#include "schedule/contention.hpp"
#include "schedule/row_slices.hpp"

namespace handgrad {

// Whether steps by shards are faster than steps by slices of rows: they are for batches, which
// make few slices, and whose numbers stay in the workers' caches. Wide middle layers do not: each
// slice has a gradient of all but W1.
template <class T>
bool worth_sharding(const Samples<T>& samples, const Layout& layout, size_t batch) {
    constexpr size_t rows = 1024, numbers = 1 << 22;
    return samples.skip_zeros && batch <= rows && samples.rows->features <= numbers / batch &&
           !has_wide_middle(layout) && PackedShards<T>::holds(*samples.rows);
}

template <class T> class FeatureShardTrainer final : public Trainer<T> {
  public:
    FeatureShardTrainer(const Kernels<T>& kernels, const Layout& layout,
        const NetworkArrays<const T>& from, const Samples<T>& samples, size_t batch, size_t threads)
        : Trainer<T>(samples), kernels_(kernels), layout_(layout), head_(layout.with_features(0)),
          store_(head_, from), gradients_(product(slices_of(batch), head_.size())),
          metrics_(slices_of(batch)), part_(product(batch, head_.first().W.stride())), dZ1_(part_) {
        const Rows& rows = *samples.rows;
        const std::vector<size_t> cuts = cut_features(rows, layout, batch);
        {
            ThreadPool pool(workers_for(work_of_reading(rows), threads));
            packed_ = std::make_unique<PackedShards<T>>(kernels, rows, cuts, pool);
        }
        for (size_t s = 0; s + 1 < cuts.size(); ++s) {
            const Matrix W1 = wide(cuts[s + 1] - cuts[s], head_.first().W.outputs);
            shards_.push_back(std::make_unique<Shard>(W1, cuts[s], batch));
        }
        read(Part::values, from);
        for (const auto& shard : shards_)
            shard->squares = kernels_.sum_of_squares(shard->values(), shard->W1.size());
        Z1_ = Buffer<T>(product(shards_.size(), part_));
        workers_ = std::min(threads, std::max(shards_.size(), metrics_.size()));
        workspace_ = std::make_unique<Workspace<T>>(head_, samples, 1, batch, workers_);
    }

    size_t most_workers() const override { return workers_; }
    size_t workers(double rows) const override {
        return workers_for(2 * work_of_passes(this->samples, layout_, rows), workers_);
    }

    void run(ThreadPool& pool, const std::vector<Batch<T>>& batches, Metrics* metrics) override {
        if (batches.front().rule.kind != Rule<T>::sgd) prepare_moments();
        const bool all = pool.workers() == 1 || contention_.use_all();
        const size_t sleeps = pool.sleeps();
        const auto begin = std::chrono::steady_clock::now();
        if (all)
            pool.run([&](size_t worker) {
                take(batches, metrics, worker, pool.workers(), [&] { pool.barrier(); });
            });
        else
            take(batches, metrics, 0, 1, [] {});
        contention_.record(batches.back().end - batches.front().begin,
            std::chrono::steady_clock::now() - begin, pool.sleeps() - sleeps);
    }

    void write(Part part, const NetworkArrays<T>& to) override {
        for (const auto& shard : shards_)
            transpose_out(shard->W1, shard->state.of(part), to.front().W + shard->first_feature,
                layout_.first().W.inputs);
        store_.write(part, to);
    }
    void read(Part part, const NetworkArrays<const T>& from) override {
        for (const auto& shard : shards_)
            transpose_in(shard->W1, from.front().W + shard->first_feature, layout_.first().W.inputs,
                shard->state.of(part));
        store_.read(part, from);
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

    // How many slices the rows of a batch are cut into between Z1 and dZ1.
    static size_t slices_of(size_t rows) { return std::clamp<size_t>(rows / 16, 1, 8); }

    // One worker's part of some batches; wait() is a barrier.
    template <class Wait> void take(const std::vector<Batch<T>>& batches, Metrics* metrics,
        size_t worker, size_t workers, const Wait& wait) {
        for (const Batch<T>& batch : batches) {
            const size_t first = shards_.size() * worker / workers;
            const size_t last = shards_.size() * (worker + 1) / workers;
            for (size_t s = first; s < last; ++s)
                kernels_.shard_forward(shards_[s]->W1, shards_[s]->values(), this->samples,
                    {packed_->rows(), s, s == first ? last : s}, batch.begin, batch.end,
                    shards_[s]->ranges.data(), Z1_.data() + s * part_);
            wait();
            const size_t slices = slices_of(batch.end - batch.begin);
            for (size_t slice = worker; slice < slices; slice += workers)
                head_slice(slice, slices, batch, worker);
            wait();
            for (size_t s = first; s < last; ++s) backward(*shards_[s], batch, worker);
            if (worker + 1 == workers) *metrics = update_head(slices, batch.rule);
            ++metrics;
        }
    }

    // A slice's rows from Z1 to dZ1.
    void head_slice(size_t slice, size_t slices, const Batch<T>& batch, size_t worker) {
        Samples<T> samples = this->samples;
        samples.share = batch.share;
        const size_t rows = batch.end - batch.begin;
        const size_t from = rows * slice / slices, to = rows * (slice + 1) / slices;
        const size_t at = from * head_.first().W.stride();
        const T scale = batch.rule.kind == Rule<T>::sgd ? -batch.rule.rate : T(1);
        metrics_[slice] = kernels_.head(store_.view(), samples, batch.begin + from,
            batch.begin + to, {Z1_.data() + at, shards_.size(), part_, scale, dZ1_.data() + at},
            (*workspace_)[worker], gradients_.data() + slice * head_.size());
        if (slice == 0) metrics_[slice].cost += penalty(batch.rule.decay);
    }

    // A step of all but W1; no worker reads them before the next barrier.
    Metrics update_head(size_t slices, const Rule<T>& rule) {
        update_range(kernels_, head_, rule,
            store_.state.update(gradients_.data(), slices, head_.size()), 0, head_.size());
        store_.refresh();
        return sum_of(metrics_, slices);
    }

    // What the penalty adds to the cost: decay/2 · Σ W².
    double penalty(T decay) const {
        if (decay == 0) return 0;
        double sum = squares_behind_first(kernels_, head_, store_.values());
        for (const auto& shard : shards_) sum += shard->squares;
        return static_cast<double>(decay) / 2 * sum;
    }

    // Plain descent goes straight into the weights (U1).
    void backward(Shard& shard, const Batch<T>& batch, size_t worker) const {
        const Rule<T>& rule = batch.rule;
        const bool descends = rule.kind == Rule<T>::sgd;
        const size_t size = shard.W1.size();
        T* const values = shard.values();
        T* const dW1 = descends ? values : dW1_[worker].data();
        const Update<T> update = shard.state.update(dW1, 1, 0);
        if (descends && rule.decay != 0)
            kernels_.update({Rule<T>::sgd, rule.rate * rule.decay, 0, 0, 0}, update, 0, size);
        kernels_.shard_backward(shard.W1, packed_->rows(), shard.ranges.data(),
            batch.end - batch.begin, dZ1_.data(), dW1);
        if (!descends)
            shard.squares = kernels_.update_weights(rule, update, dW1, size);
        else if (rule.decay != 0)
            shard.squares = kernels_.sum_of_squares(values, size);
    }

    void prepare_moments() {
        store_.state.prepare_moments();
        size_t largest = 0;
        for (const auto& shard : shards_) {
            largest = std::max(largest, shard->W1.size());
            shard->state.prepare_moments();
        }
        while (dW1_.size() < workers_) dW1_.push_back(Buffer<T>::zeros(largest));
    }

    const Kernels<T>& kernels_;
    const Layout layout_, head_;  // of everything; of all but W1
    size_t workers_ = 1;
    ParameterStore<T> store_;
    Buffer<T> gradients_;
    std::vector<Metrics> metrics_;
    size_t part_;  // numbers of one shard's Z1
    Buffer<T> Z1_, dZ1_;
    std::unique_ptr<PackedShards<T>> packed_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::vector<Buffer<T>> dW1_;  // of the shard that a worker is at; zeros between
    std::unique_ptr<Workspace<T>> workspace_;
    Contention contention_;
};

}  // namespace handgrad
