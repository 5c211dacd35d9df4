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

#include "schedule/contention.hpp"
#include "schedule/row_slices.hpp"
#include "schedule/shards.hpp"

namespace handgrad {

template <class T> class FeatureShardTrainer final : public Trainer<T> {
  public:
    FeatureShardTrainer(const Kernels<T>& kernels, const Layout& layout,
        const NetworkArrays<const T>& from, const Samples<T>& samples, size_t batch, size_t threads)
        : Trainer<T>(samples), kernels_(kernels), layout_(layout), head_(layout.with_features(0)),
          shards_(kernels, layout, from, samples, batch, threads), store_(head_, from),
          gradients_(product(slices_of(batch), head_.size())), metrics_(slices_of(batch)),
          part_(product(batch, head_.first().W.stride())), Z1_(product(shards_.count(), part_)),
          dZ1_(part_) {
        workers_ = std::min(threads, std::max(shards_.count(), metrics_.size()));
        workspace_ = std::make_unique<Workspace<T>>(head_, samples, 1, batch, workers_);
    }

    size_t most_workers() const override { return workers_; }
    size_t workers(double rows) const override {
        return workers_for(2 * work_of_passes(this->samples, layout_, rows), workers_);
    }

    void run(ThreadPool& pool, const std::vector<Batch<T>>& batches, Metrics* metrics) override {
        if (batches.front().rule.kind != Rule<T>::sgd) prepare_moments();
        contention_.run(pool, batches.back().end - batches.front().begin,
            [&](size_t worker, size_t workers, const auto& wait) {
                take(batches, metrics, worker, workers, wait);
            });
    }

    void write(Part part, const NetworkArrays<T>& to) override {
        shards_.write(part, to);
        store_.write(part, to);
    }
    void read(Part part, const NetworkArrays<const T>& from) override {
        shards_.read(part, from);
        store_.read(part, from);
    }

  private:
    // How many slices the rows of a batch are cut into between Z1 and dZ1.
    static size_t slices_of(size_t rows) { return std::clamp<size_t>(rows / 16, 1, 8); }

    // One worker's part of some batches; wait() is a barrier.
    template <class Wait> void take(const std::vector<Batch<T>>& batches, Metrics* metrics,
        size_t worker, size_t workers, const Wait& wait) {
        for (const Batch<T>& batch : batches) {
            const size_t first = shards_.count() * worker / workers;
            const size_t last = shards_.count() * (worker + 1) / workers;
            for (size_t s = first; s < last; ++s)
                shards_.forward(s, s == first ? last : s, this->samples, batch.begin, batch.end,
                    shards_.ranges(s), /*adds=*/false, Z1_.data() + s * part_);
            wait();
            const size_t slices = slices_of(batch.end - batch.begin);
            for (size_t slice = worker; slice < slices; slice += workers)
                head_slice(slice, slices, batch, worker);
            wait();
            for (size_t s = first; s < last; ++s)
                shards_.step(
                    s, batch.rule, batch.end - batch.begin, dZ1_.data(), room(batch, worker));
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
            batch.begin + to, {Z1_.data() + at, shards_.count(), part_, scale, dZ1_.data() + at},
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
        const double rest = squares_behind_first(kernels_, head_, store_.values());
        return static_cast<double>(decay) / 2 * shards_.add_squares(rest);
    }

    // For the gradient of a shard; plain descent needs none.
    T* room(const Batch<T>& batch, size_t worker) const {
        return batch.rule.kind == Rule<T>::sgd ? nullptr : dW1_[worker].data();
    }

    void prepare_moments() {
        store_.state.prepare_moments();
        shards_.prepare_moments();
        while (dW1_.size() < workers_) dW1_.push_back(Buffer<T>::zeros(shards_.largest()));
    }

    const Kernels<T>& kernels_;
    const Layout layout_, head_;  // of everything; of all but W1
    size_t workers_ = 1;
    Shards<T> shards_;
    ParameterStore<T> store_;
    Buffer<T> gradients_;
    std::vector<Metrics> metrics_;
    size_t part_;  // numbers of one shard's Z1
    Buffer<T> Z1_, dZ1_;
    std::vector<Buffer<T>> dW1_;  // of the shard that a worker is at; zeros between
    std::unique_ptr<Workspace<T>> workspace_;
    Contention contention_;
};

}  // namespace handgrad
