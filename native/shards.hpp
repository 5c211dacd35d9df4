// Steps over batches of rows whose zeros are skipped, cut by features into shards. A worker keeps
// the weights of its shards in its own cache from step to step; what workers exchange is small:
// each shard's part of Z1, and dZ1. No gradient of W1 is added up, and plain descent needs none:
// its steps go straight into W1.
//
// The cut depends on the rows and the batch alone, and the shards are added in one fixed order,
// so that any number of threads gives the same bits.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "buffer.hpp"
#include "crew.hpp"
#include "parameters.hpp"
#include "packed_shards.hpp"
#include "stepper.hpp"
#include "work.hpp"
#include "workspace.hpp"

namespace handgrad {

// Whether steps by shards beat steps by slices of rows: they do for batches, whose slices would
// be few; their numbers stay in the workers' caches.
template <class T> bool worth_sharding(const Samples<T>& samples, std::size_t batch) {
    constexpr std::size_t rows = 1024, numbers = 1 << 22;
    return samples.skip_zeros && batch <= rows && samples.rows->features <= numbers / batch &&
           PackedShards<T>::holds(*samples.rows);
}

template <class T> class ShardedTrainer final : public Stepper<T> {
  public:
    ShardedTrainer(const Kernels<T>& kernels, const Layout& layout, const Arrays<const T>& from,
                   const Samples<T>& samples, std::size_t batch, std::size_t threads)
        : Stepper<T>(samples), kernels_(kernels), layout_(layout),
          head_(0, layout.H, layout.K, kernels.lanes, kernels.vectors), store_(head_, from),
          gradients_(product(slices_of(batch), head_.size())), totals_(slices_of(batch)),
          part_(product(batch, head_.W1.stride())), dZ1_(part_) {
        const std::vector<std::size_t> cuts = cut_features(kernels, *samples.rows, layout, batch);
        {
            Team team(workers_for(work_of_reading(*samples.rows), threads));
            packed_ = std::make_unique<PackedShards<T>>(
                kernels, *samples.rows, cuts, team, team.workers());
        }
        for (std::size_t s = 0; s + 1 < cuts.size(); ++s) {
            const Matrix W1 = wide(cuts[s + 1] - cuts[s], layout.H);
            shards_.push_back(std::make_unique<Shard>(W1, cuts[s], batch));
            shards_.back()->read(from.W1, layout_.D, shards_.back()->values);
            shards_.back()->squares =
                kernels_.sum_of_squares(shards_.back()->values.data(), W1.size());
        }
        Z1_ = Buffer<T>(product(shards_.size(), part_));
        workers_ = std::min(threads, std::max(shards_.size(), totals_.size()));
        workspace_ = std::make_unique<Workspace<T>>(head_, samples, 1, batch, workers_);
    }

    std::size_t most_workers() const override { return workers_; }
    std::size_t workers(double rows) const override {
        return workers_for(2 * work_of_passes(this->samples_, layout_, rows), workers_);
    }

    void run(Team& team, const std::vector<Batch<T>>& batches, Totals* totals) override {
        if (batches.front().rule.kind != Rule<T>::descent) prepare_moments();
        const bool together = team.workers() == 1 || crew_.together();
        const std::size_t naps = team.naps();
        const auto begin = std::chrono::steady_clock::now();
        if (together)
            team.together([&](std::size_t worker) {
                take(batches, totals, worker, team.workers(), [&] { team.meet(); });
            });
        else
            take(batches, totals, 0, 1, [] {});
        crew_.took(batches.back().end - batches.front().begin,
                   std::chrono::steady_clock::now() - begin, team.naps() - naps);
    }

    void write(const Arrays<T>& to) const override {
        for (const auto& shard : shards_) shard->write(shard->values, to.W1, layout_.D);
        export_arrays<T>(head_, store_.values(), to);
    }

    void write_moments(const Arrays<T>& first, const Arrays<T>& second) override {
        prepare_moments();
        for (const auto& shard : shards_) {
            shard->write(shard->first, first.W1, layout_.D);
            shard->write(shard->second, second.W1, layout_.D);
        }
        export_arrays<T>(head_, first_.data(), first);
        export_arrays<T>(head_, second_.data(), second);
    }

    void read_moments(const Arrays<const T>& first, const Arrays<const T>& second) override {
        prepare_moments();
        for (const auto& shard : shards_) {
            shard->read(first.W1, layout_.D, shard->first);
            shard->read(second.W1, layout_.D, shard->second);
        }
        import_arrays(head_, first, first_.data());
        import_arrays(head_, second, second_.data());
    }

  private:
    struct Shard {
        Matrix W1;
        std::size_t first_feature;
        Buffer<T> values, first, second;
        double squares = 0;      // of the weights, where they decay
        Buffer<Extent> extents;  // of the batch's rows

        Shard(const Matrix& W1, std::size_t first_feature, std::size_t batch)
            : W1(W1), first_feature(first_feature), values(Buffer<T>::zeros(W1.size())),
              extents(batch) {}

        // From a matrix of D columns, and to one.
        void read(const T* from, std::size_t D, const Buffer<T>& to) const {
            transpose_in(W1, from + first_feature, D, to.data());
        }
        void write(const Buffer<T>& from, T* to, std::size_t D) const {
            transpose_out(W1, from.data(), to + first_feature, D);
        }
    };

    // In as few panels as their width allows, and those about equally wide.
    Matrix wide(std::size_t inputs, std::size_t outputs) const {
        const std::size_t vectors = (outputs + kernels_.lanes - 1) / kernels_.lanes;
        const std::size_t panels = (vectors + kernels_.shard_vectors - 1) / kernels_.shard_vectors;
        return {inputs, outputs, kernels_.lanes, (vectors + panels - 1) / panels * kernels_.lanes};
    }

    // How many slices of rows the passes turn round in, from Z1 to dZ1.
    static std::size_t slices_of(std::size_t rows) {
        return std::clamp<std::size_t>(rows / 16, 1, 8);
    }

    // One worker's part of some batches; meet waits for the others.
    template <class Meet>
    void take(const std::vector<Batch<T>>& batches, Totals* totals, std::size_t worker,
              std::size_t workers, const Meet& meet) {
        for (const Batch<T>& batch : batches) {
            const std::size_t first = shards_.size() * worker / workers;
            const std::size_t last = shards_.size() * (worker + 1) / workers;
            for (std::size_t s = first; s < last; ++s)
                forward(s, s == first ? last : s, batch);
            meet();
            const std::size_t slices = slices_of(batch.end - batch.begin);
            for (std::size_t slice = worker; slice < slices; slice += workers)
                turn(slice, slices, batch, worker);
            meet();
            for (std::size_t s = first; s < last; ++s) backward(*shards_[s], batch, worker);
            if (worker + 1 == workers) *totals = update_head(slices, batch.rule);
            ++totals;
        }
    }

    void forward(std::size_t s, std::size_t fetch_to, const Batch<T>& batch) const {
        Shard& shard = *shards_[s];
        kernels_.shard_forward(
            shard.W1, shard.values.data(), this->samples_, {packed_->rows(), s, fetch_to},
            batch.begin, batch.end, shard.extents.data(), Z1_.data() + s * part_);
    }

    void turn(std::size_t slice, std::size_t slices, const Batch<T>& batch, std::size_t worker) {
        Samples<T> samples = this->samples_;
        samples.share = batch.share;
        const std::size_t rows = batch.end - batch.begin;
        const std::size_t from = rows * slice / slices, to = rows * (slice + 1) / slices;
        const std::size_t at = from * head_.W1.stride();
        const T scale = batch.rule.kind == Rule<T>::descent ? -batch.rule.rate : T(1);
        totals_[slice] = kernels_.head(
            store_.view(), samples, batch.begin + from, batch.begin + to,
            {Z1_.data() + at, shards_.size(), part_, scale, dZ1_.data() + at},
            (*workspace_)[worker], gradients_.data() + slice * head_.size());
        if (slice == 0) totals_[slice].cost += penalty(batch.rule);
    }

    // A step of b1, W2 and b2; no worker reads them before the next meeting.
    Totals update_head(std::size_t slices, const Rule<T>& rule) {
        update_range(
            kernels_, head_, rule,
            {store_.values(), first_.data(), second_.data(), gradients_.data(), slices,
             head_.size()},
            0, head_.size());
        store_.refresh();
        Totals sum;
        for (std::size_t slice = 0; slice < slices; ++slice) {
            sum.cost += totals_[slice].cost;
            sum.correct += totals_[slice].correct;
        }
        return sum;
    }

    // What decay adds to the cost.
    double penalty(const Rule<T>& rule) const {
        if (rule.decay == 0) return 0;
        double sum = kernels_.sum_of_squares(store_.values() + head_.W2_start(), head_.W2.size());
        for (const auto& shard : shards_) sum += shard->squares;
        return static_cast<double>(rule.decay) / 2 * sum;
    }

    void backward(Shard& shard, const Batch<T>& batch, std::size_t worker) const {
        if (batch.rule.kind == Rule<T>::descent)
            descend(shard, batch);
        else
            step(shard, batch, dW1_[worker].data());
    }

    // U1, straight into the weights.
    void descend(Shard& shard, const Batch<T>& batch) const {
        const std::size_t size = shard.W1.size();
        T* values = shard.values.data();
        if (batch.rule.decay != 0) {
            const Rule<T> shrink{Rule<T>::descent, batch.rule.rate * batch.rule.decay, 0, 0, 0};
            kernels_.update(shrink, {values, nullptr, nullptr, values, 1, 0}, 0, size);
        }
        add_gradient(shard, batch, values);
        if (batch.rule.decay != 0) shard.squares = kernels_.sum_of_squares(values, size);
    }

    void step(Shard& shard, const Batch<T>& batch, T* gradient) const {
        add_gradient(shard, batch, gradient);
        shard.squares = kernels_.update_weights(
            batch.rule,
            {shard.values.data(), shard.first.data(), shard.second.data(), gradient, 1, 0},
            gradient, shard.W1.size());
    }

    void add_gradient(const Shard& shard, const Batch<T>& batch, T* dW1) const {
        kernels_.shard_backward(
            shard.W1, packed_->rows(), shard.extents.data(), batch.end - batch.begin, dZ1_.data(),
            dW1);
    }

    void prepare_moments() {
        if (first_.size() > 0) return;
        std::size_t largest = 0;
        for (const auto& shard : shards_) largest = std::max(largest, shard->W1.size());
        for (std::size_t worker = 0; worker < workers_; ++worker)
            dW1_.push_back(Buffer<T>::zeros(largest));
        for (const auto& shard : shards_) {
            shard->first = Buffer<T>::zeros(shard->W1.size());
            shard->second = Buffer<T>::zeros(shard->W1.size());
        }
        second_ = Buffer<T>::zeros(head_.size());
        first_ = Buffer<T>::zeros(head_.size());  // last: memory may end before
    }

    const Kernels<T>& kernels_;
    const Layout layout_, head_;  // of everything; of b1, W2 and b2
    std::size_t workers_ = 1;
    ParameterStore<T> store_;
    Buffer<T> gradients_, first_, second_;
    std::vector<Totals> totals_;
    std::size_t part_;  // numbers of one shard's Z1
    Buffer<T> Z1_, dZ1_;
    std::unique_ptr<PackedShards<T>> packed_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::vector<Buffer<T>> dW1_;  // of the shard that a worker is at; zeros between
    std::unique_ptr<Workspace<T>> workspace_;
    Crew crew_;
};

}  // namespace handgrad
