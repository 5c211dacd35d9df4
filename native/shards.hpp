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
#include "prepared.hpp"
#include "stepper.hpp"
#include "workspace.hpp"

namespace handgrad {

// Where the features are cut, 0 and D included: into shards of about as many non-zeros each.
// Two numbers, 0 and D, where more would not pay.
template <class T>
std::vector<std::size_t> cut_features(
    const Kernels<T>& kernels, const Rows& rows, const Layout& layout, std::size_t batch) {
    constexpr std::size_t most = 8, enough = 2048;  // shards; multiply-adds of 16 numbers a shard
    constexpr std::size_t a_row = 32, granules = 64;  // non-zeros of a row and shard; cuts tried
    const double nonzeros = density(kernels, rows) * static_cast<double>(rows.features);
    const double work = nonzeros * static_cast<double>(batch * ((layout.H + 15) / 16));
    const std::size_t shards = std::clamp<std::size_t>(
        static_cast<std::size_t>(std::min(work / enough, nonzeros / a_row)), 1, most);
    std::vector<double> upto{0};
    for (std::size_t granule = 0; granule < granules; ++granule) {
        const Rows part = some_features(
            rows, rows.features * granule / granules, rows.features * (granule + 1) / granules);
        upto.push_back(
            upto.back() + density(kernels, part) * static_cast<double>(part.features));
    }
    std::vector<std::size_t> cuts{0};
    for (std::size_t granule = 1; granule < granules && cuts.size() < shards; ++granule)
        if (upto[granule] * static_cast<double>(shards) >=
            upto.back() * static_cast<double>(cuts.size()))
            cuts.push_back(rows.features * granule / granules);
    cuts.push_back(rows.features);
    return cuts;
}

// Whether steps by shards beat steps by slices of rows: they do for batches, whose slices would
// be few; their numbers stay in the workers' caches.
template <class T> bool worth_sharding(const Samples<T>& samples, std::size_t batch) {
    constexpr std::size_t rows = 1024, numbers = 1 << 22;
    return samples.skip_zeros && batch <= rows && samples.rows->features <= numbers / batch;
}

template <class T> class ShardedTrainer final : public Stepper<T> {
  public:
    ShardedTrainer(const Kernels<T>& kernels, const Layout& layout, const Arrays<const T>& from,
                   const Samples<T>& samples, std::size_t batch, std::size_t threads)
        : Stepper<T>(samples), kernels_(kernels),
          head_(0, layout.H, layout.K, kernels.lanes, kernels.vectors), D_(layout.D),
          store_(head_, from), gradients_(product(slices_of(batch), head_.size())),
          totals_(slices_of(batch)), part_(product(batch, head_.W1.stride())), dZ1_(part_) {
        const std::vector<std::size_t> cuts = cut_features(kernels, *samples.rows, layout, batch);
        Team team(threads);
        packed_ = std::make_unique<Packed<T>>(
            kernels, *samples.rows, Packing::fast, team, threads, cuts);
        this->samples_.rows = &packed_->rows();
        for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
            shards_.push_back(
                std::make_unique<Shard>(layout, from.W1, cuts[i], cuts[i + 1], batch));
        Z1_ = Buffer<T>(product(shards_.size(), part_));
        workers_ = std::min(threads, std::max(shards_.size(), totals_.size()));
        workspace_ = std::make_unique<Workspace<T>>(head_, samples, 1, batch, workers_);
    }

    std::size_t workers() const override { return workers_; }

    void run(Team& team, const std::vector<Batch<T>>& batches, Totals* totals) override {
        if (batches.front().rule.kind != Rule<T>::descent) prepare_moments();
        const bool together = team.workers() == 1 || crew_.together();
        const auto begin = std::chrono::steady_clock::now();
        if (together)
            team.together([&](std::size_t worker) {
                take(batches, totals, worker, team.workers(), [&] { team.meet(); });
            });
        else
            take(batches, totals, 0, 1, [] {});
        crew_.took(batches.back().end - batches.front().begin,
                   std::chrono::steady_clock::now() - begin);
    }

    void write(const Arrays<T>& to) const override {
        for (const auto& shard : shards_)
            transpose_out(shard->W1, shard->values.data(), to.W1 + shard->first_feature, D_);
        export_arrays<T>(head_, store_.values(), to);
    }

    void write_moments(const Arrays<T>& first, const Arrays<T>& second) override {
        prepare_moments();
        for (const auto& shard : shards_) {
            const std::size_t at = shard->first_feature;
            transpose_out(shard->W1, shard->first.data(), first.W1 + at, D_);
            transpose_out(shard->W1, shard->second.data(), second.W1 + at, D_);
        }
        export_arrays<T>(head_, first_.data(), first);
        export_arrays<T>(head_, second_.data(), second);
    }

    void read_moments(const Arrays<const T>& first, const Arrays<const T>& second) override {
        prepare_moments();
        for (const auto& shard : shards_) {
            const std::size_t at = shard->first_feature;
            transpose_in(shard->W1, first.W1 + at, D_, shard->first.data());
            transpose_in(shard->W1, second.W1 + at, D_, shard->second.data());
        }
        import_arrays(head_, first, first_.data());
        import_arrays(head_, second, second_.data());
    }

  private:
    struct Shard {
        std::size_t first_feature;
        Matrix W1;
        Buffer<T> values, first, second, gradient;
        double squares = 0;           // of the weights, where they decay
        Buffer<std::size_t> extents;  // where the batch's rows begin and end among the packed

        Shard(const Layout& layout, const T* from, std::size_t begin, std::size_t end,
              std::size_t batch)
            : first_feature(begin), W1{end - begin, layout.H, layout.W1.lanes, layout.W1.panel},
              values(Buffer<T>::zeros(W1.size())), extents(product(batch, 2)) {
            transpose_in(W1, from + begin, layout.D, values.data());
        }
    };

    // How many slices of rows the passes turn round in, from Z1 to dZ1.
    static std::size_t slices_of(std::size_t rows) {
        return std::clamp<std::size_t>(rows / 16, 1, 8);
    }

    // One worker's part of some batches; meet waits for the others.
    template <class Meet>
    void take(const std::vector<Batch<T>>& batches, Totals* totals, std::size_t worker,
              std::size_t workers, const Meet& meet) {
        for (const Batch<T>& batch : batches) {
            for (std::size_t s = worker; s < shards_.size(); s += workers) forward(s, batch);
            meet();
            const std::size_t slices = slices_of(batch.end - batch.begin);
            for (std::size_t slice = worker; slice < slices; slice += workers)
                turn(slice, slices, batch, worker);
            meet();
            for (std::size_t s = worker; s < shards_.size(); s += workers)
                backward(*shards_[s], batch);
            if (worker + 1 == workers) *totals = update_head(slices, batch.rule);
            ++totals;
        }
    }

    void forward(std::size_t s, const Batch<T>& batch) const {
        Shard& shard = *shards_[s];
        if (batch.rule.decay != 0)
            shard.squares = kernels_.sum_of_squares(shard.values.data(), shard.W1.size());
        kernels_.shard_forward(
            shard.W1, shard.values.data(), this->samples_, {s, shards_.size()}, batch.begin,
            batch.end, shard.extents.data(), Z1_.data() + s * part_);
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

    void backward(const Shard& shard, const Batch<T>& batch) const {
        const bool direct = batch.rule.kind == Rule<T>::descent;
        const Buffer<T>& dW1 = direct ? shard.values : shard.gradient;
        if (!direct) std::fill_n(dW1.data(), dW1.size(), T(0));
        if (direct && batch.rule.decay != 0) {
            const Rule<T> shrink{Rule<T>::descent, batch.rule.rate * batch.rule.decay, 0, 0, 0};
            const Update<T> weights{dW1.data(), nullptr, nullptr, dW1.data(), 1, 0};
            kernels_.update(shrink, weights, 0, shard.W1.size());
        }
        kernels_.shard_backward(
            shard.W1, packed_->rows(), shard.extents.data(), batch.end - batch.begin,
            dZ1_.data(), dW1.data());
        if (!direct)
            kernels_.update(
                batch.rule,
                {shard.values.data(), shard.first.data(), shard.second.data(), dW1.data(), 1, 0},
                0, shard.W1.size());
    }

    void prepare_moments() {
        if (first_.size() > 0) return;
        first_ = Buffer<T>::zeros(head_.size());
        second_ = Buffer<T>::zeros(head_.size());
        for (const auto& shard : shards_) {
            shard->gradient = Buffer<T>(shard->W1.size());
            shard->first = Buffer<T>::zeros(shard->W1.size());
            shard->second = Buffer<T>::zeros(shard->W1.size());
        }
    }

    const Kernels<T>& kernels_;
    const Layout head_;  // of b1, W2 and b2
    std::size_t D_, workers_ = 1;
    ParameterStore<T> store_;
    Buffer<T> gradients_, first_, second_;
    std::vector<Totals> totals_;
    std::size_t part_;  // numbers of one shard's Z1
    Buffer<T> Z1_, dZ1_;
    std::unique_ptr<Packed<T>> packed_;  // each row's non-zeros, shard by shard
    std::vector<std::unique_ptr<Shard>> shards_;
    std::unique_ptr<Workspace<T>> workspace_;
    Crew crew_;
};

}  // namespace handgrad
