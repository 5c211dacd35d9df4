// Steps over batches of rows whose zeros are skipped, cut by features into shards. A worker keeps
// the weights of its shards in its own cache from step to step; what workers exchange is small:
// each shard's part of Z1, and dZ1. No gradient of W1 is added up, and plain descent needs none:
// its steps go straight into W1.
//
// The cut depends on the rows and the batch alone, and the shards are added in one fixed order,
// so that any number of threads gives the same bits.
#pragma once

#include <algorithm>
#include <vector>

#include "buffer.hpp"
#include "prepared.hpp"
#include "stepper.hpp"
#include "parameters.hpp"
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
        : Stepper<T>(samples), kernels_(kernels), layout_(0, layout.H, layout.K, kernels.lanes, kernels.vectors),
          D_(layout.D), store_(layout_, from), slices_(slices_of(batch)),
          gradients_(product(slices_, layout_.size())), totals_(slices_),
          Z1_stride_(product(batch, layout_.W1.stride())), dZ1_(Z1_stride_) {
        const std::vector<std::size_t> cuts = cut_features(kernels, *samples.rows, layout, batch);
        workers_ = std::min(threads, std::max(slices_, cuts.size() - 1));
        Team team(threads);
        for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
            shards_.push_back(std::make_unique<Shard>(
                kernels, layout, from.W1, *samples.rows, cuts[i], cuts[i + 1], batch, team, threads));
        Z1_ = Buffer<T>(product(shards_.size(), Z1_stride_));
        workspace_ = std::make_unique<Workspace<T>>(layout_, samples, 1, rows_of_a_slice(batch, slices_), workers_);
    }

    std::size_t workers() const override { return workers_; }

    Totals step(Team& team, std::size_t begin, std::size_t end, const Rule<T>& rule) override {
        prepare_moments(rule);
        const std::size_t slices = slices_of(end - begin);
        team.together([&](std::size_t worker) {
            for (std::size_t s = worker; s < shards_.size(); s += team.workers())
                forward(s, begin, end);
            team.meet();
            for (std::size_t slice = worker; slice < slices; slice += team.workers())
                turn(slice, slices, begin, end, rule, worker);
            team.meet();
            for (std::size_t s = worker; s < shards_.size(); s += team.workers())
                backward(*shards_[s], end - begin, rule);
            if (worker + 1 == team.workers()) update_head(slices, rule);
        });
        Totals sum;
        for (std::size_t slice = 0; slice < slices; ++slice) {
            sum.cost += totals_[slice].cost;
            sum.correct += totals_[slice].correct;
        }
        return sum;
    }

    void write(const Arrays<T>& to) const override {
        for (const auto& shard : shards_)
            transpose_out(shard->W1, shard->values.data(), to.W1 + shard->first_feature, D_);
        export_arrays<T>(layout_, store_.values(), to);
    }

  private:
    struct Shard {
        std::size_t first_feature;
        Matrix W1;
        Packed<T> packed;
        Buffer<T> values, first, second, gradient;
        Buffer<std::size_t> extents;  // where the batch's rows begin and end in `packed`

        Shard(const Kernels<T>& kernels, const Layout& layout, const T* from, const Rows& rows,
              std::size_t begin, std::size_t end, std::size_t batch, Team& team,
              std::size_t workers)
            : first_feature(begin), W1{end - begin, layout.H, layout.W1.lanes, layout.W1.panel},
              packed(kernels, some_features(rows, begin, end), Packing::fast, team, workers),
              values(Buffer<T>::zeros(W1.size())), extents(product(batch, 2)) {
            transpose_in(W1, from + begin, layout.D, values.data());
        }
    };

    static std::size_t slices_of(std::size_t rows) {
        return std::clamp<std::size_t>(rows / 16, 1, 8);
    }
    static std::size_t rows_of_a_slice(std::size_t rows, std::size_t slices) {
        return (rows + slices - 1) / slices;
    }

    void forward(std::size_t s, std::size_t begin, std::size_t end) {
        const Shard& shard = *shards_[s];
        Samples<T> samples = this->samples_;
        samples.rows = &shard.packed.rows();
        kernels_.shard_forward(shard.W1, shard.values.data(), samples, begin, end, shard.extents.data(),
                               Z1_.data() + s * Z1_stride_);
    }

    // From Z1 to dZ1, where the passes turn round.
    void turn(std::size_t slice, std::size_t slices, std::size_t begin, std::size_t end,
              const Rule<T>& rule, std::size_t worker) {
        const std::size_t count = end - begin;
        const std::size_t from = count * slice / slices, to = count * (slice + 1) / slices;
        const std::size_t at = from * layout_.W1.stride();
        const T scale = rule.kind == Rule<T>::descent ? -rule.rate : T(1);
        totals_[slice] = kernels_.head(
            store_.view(), this->samples_, begin + from, begin + to,
            {Z1_.data() + at, shards_.size(), Z1_stride_, scale, dZ1_.data() + at},
            (*workspace_)[worker], gradients_.data() + slice * layout_.size());
    }

    void backward(const Shard& shard, std::size_t rows, const Rule<T>& rule) {
        const bool direct = rule.kind == Rule<T>::descent;
        const Buffer<T>& dW1 = direct ? shard.values : shard.gradient;
        if (!direct) std::fill_n(dW1.data(), dW1.size(), T(0));
        kernels_.shard_backward(
            shard.W1, shard.packed.rows(), shard.extents.data(), rows, dZ1_.data(), dW1.data());
        if (!direct)
            kernels_.update(
                rule, {shard.values.data(), shard.first.data(), shard.second.data(), dW1.data(), 1, 0},
                0, shard.W1.size());
    }

    void update_head(std::size_t slices, const Rule<T>& rule) {
        kernels_.update(
            rule, {store_.values(), first_.data(), second_.data(), gradients_.data(), slices, layout_.size()},
            0, layout_.size());
        store_.refresh();
    }

    void prepare_moments(const Rule<T>& rule) {
        if (rule.kind == Rule<T>::descent || first_.size() > 0) return;
        first_ = Buffer<T>::zeros(layout_.size());
        second_ = Buffer<T>::zeros(layout_.size());
        for (const auto& shard : shards_) {
            shard->gradient = Buffer<T>(shard->W1.size());
            shard->first = Buffer<T>::zeros(shard->W1.size());
            shard->second = Buffer<T>::zeros(shard->W1.size());
        }
    }

    const Kernels<T>& kernels_;
    const Layout layout_;  // of b1, W2 and b2
    std::size_t D_, workers_ = 1;
    ParameterStore<T> store_;
    std::size_t slices_;
    Buffer<T> gradients_, first_, second_;
    std::vector<Totals> totals_;
    std::size_t Z1_stride_;
    Buffer<T> Z1_, dZ1_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::unique_ptr<Workspace<T>> workspace_;
};

}  // namespace handgrad
