// Batches of sparse rows touch few of the features. Only those rows of W1 take part in a step: the
// gradient holds a row for each of them. When a sample next touches another row, that one first
// takes the steps that it missed, in which momentum moves it, with the same bits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "buffer.hpp"
#include "threads/thread_pool.hpp"
#include "variants/kernels.hpp"

namespace handgrad {

// Whether a batch touches so few features that keeping account of them pays.
template <class T>
bool worth_tracking(const Samples<T>& samples, const Layout& layout, std::size_t batch) {
    const Rows& rows = *samples.rows;
    if (!rows.sparse() || rows.count == 0) return false;
    const double nonzeros = static_cast<double>(rows.starts[rows.count] - rows.starts[0]);
    const double of_a_batch =
        nonzeros / static_cast<double>(rows.count) * static_cast<double>(batch);
    return of_a_batch * 4 < static_cast<double>(layout.first().W.inputs);
}

template <class T> class LazyUpdates {
  public:
    LazyUpdates(
        const Kernels<T>& kernels, const Layout& layout, std::size_t most_in_row, std::size_t batch)
        : kernels_(kernels), layout_(layout), W1_(layout.first().W),
          most_(std::min(W1_.inputs, product(std::max<std::size_t>(most_in_row, 1), batch))),
          slots_(Buffer<std::int32_t>::zeros(W1_.inputs)), done_(W1_.inputs, 0) {
        features_.reserve(most_);
    }

    std::size_t count() const { return std::max<std::size_t>(features_.size(), 1); }
    std::size_t most() const { return std::max<std::size_t>(most_, 1); }
    const std::int32_t* slots() const { return slots_.data(); }

    // Gives each feature of the samples from begin to end a slot, in the order in which they come,
    // and brings its weights up to date.
    void begin_step(ThreadPool& pool, const Samples<T>& samples, std::size_t begin, std::size_t end,
        const Update<T>& all) {
        features_.clear();
        const Rows& rows = *samples.rows;
        for (std::size_t sample = begin; sample < end; ++sample) {
            const std::size_t row = samples.row(sample);
            for (std::int64_t i = rows.starts[row]; i < rows.starts[row + 1]; ++i)
                touch(rows.short_indices ? static_cast<const std::uint16_t*>(rows.indices)[i]
                                         : static_cast<std::size_t>(
                                               static_cast<const std::int32_t*>(rows.indices)[i]));
        }
        each_feature(
            pool, features_.size(), [&](std::size_t slot) { catch_up(features_[slot], all); });
    }

    // Takes a step with the touched rows of W1 and with all other parameters.
    void update(ThreadPool& pool, const Rule<T>& rule, const Update<T>& all) {
        const Layout compact = layout_.with_features(count());
        each_feature(pool, features_.size(), [&](std::size_t slot) {
            const std::size_t feature = features_[slot];
            each_panel([&](std::size_t first, std::size_t width) {
                kernels_.update(rule,
                    part(all, W1_.row(first, feature), compact.first().W.row(first, slot)), 0,
                    width);
            });
            done_[feature] = rules_.size() + 1;
        });
        const std::size_t start = layout_.first().b_start;
        kernels_.update(rule, part(all, start, compact.first().b_start), 0, layout_.size() - start);
        rules_.push_back(rule);
    }

    // Brings every row of W1 up to date.
    void flush(ThreadPool& pool, const Update<T>& all) {
        each_feature(pool, W1_.inputs, [&](std::size_t feature) {
            catch_up(feature, all);
            done_[feature] = 0;
        });
        rules_.clear();
    }

  private:
    static constexpr std::size_t task_features = 512;

    void touch(std::size_t feature) {
        const std::size_t slot = static_cast<std::size_t>(slots_[feature]);
        if (slot < features_.size() && features_[slot] == feature) return;
        slots_[feature] = static_cast<std::int32_t>(features_.size());
        features_.push_back(feature);
    }

    template <class Action>
    void each_feature(ThreadPool& pool, std::size_t count, const Action& action) {
        pool.for_each(
            (count + task_features - 1) / task_features, [&](std::size_t task, std::size_t) {
                const std::size_t end = std::min(count, (task + 1) * task_features);
                for (std::size_t i = task * task_features; i < end; ++i) action(i);
            });
    }

    template <class Action> void each_panel(const Action& action) const {
        for (std::size_t first = 0; first < W1_.stride(); first += W1_.panel)
            action(first, W1_.width(first));
    }

    void catch_up(std::size_t feature, const Update<T>& all) {
        const std::size_t missed = rules_.size() - done_[feature];
        if (missed == 0 || all.first == nullptr) return;
        each_panel([&](std::size_t from, std::size_t width) {
            const Update<T> row = part(all, W1_.row(from, feature), 0);
            kernels_.catch_up(rules_.data() + done_[feature], missed, row.parameters, row.first,
                row.second, width);
        });
    }

    static Update<T> part(const Update<T>& all, std::size_t at, std::size_t gradient_at) {
        return {all.parameters + at, all.first ? all.first + at : nullptr,
            all.second ? all.second + at : nullptr, all.gradients + gradient_at, all.slices,
            all.gradient_stride};
    }

    const Kernels<T>& kernels_;
    const Layout& layout_;
    const Matrix& W1_;
    std::size_t most_;
    Buffer<std::int32_t> slots_;         // valid where features_ agrees
    std::vector<std::size_t> features_;  // of the batch, by slot
    std::vector<std::size_t> done_;      // steps that a feature's weights have taken
    std::vector<Rule<T>> rules_;         // of the steps since the last flush
};

}  // namespace handgrad
