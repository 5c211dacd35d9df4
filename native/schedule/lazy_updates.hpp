// Batches of sparse rows touch few of the features. Only those rows of W1 take part in a step: the
// gradient holds a row for each of them. When a sample next touches another row, that one first
// takes the steps that it missed, in which momentum moves it, with the same bits.
#pragma once

#include <algorithm>
#include <vector>

#include "buffer.hpp"
#include "threads/thread_pool.hpp"
#include "variants/kernels.hpp"

namespace handgrad {

// Whether a batch touches so few features that keeping account of them pays.
template <class T>
bool worth_tracking(const Samples<T>& samples, const Layout& layout, size_t batch) {
    const Rows& rows = *samples.rows;
    if (!rows.sparse() || rows.count == 0) return false;
    const double nonzeros = static_cast<double>(rows.starts[rows.count] - rows.starts[0]);
    const double of_a_batch =
        nonzeros / static_cast<double>(rows.count) * static_cast<double>(batch);
    return of_a_batch * 4 < static_cast<double>(layout.first().W.inputs);
}

template <class T> class LazyUpdates {
  public:
    LazyUpdates(const Kernels<T>& kernels, const Layout& layout, size_t most_in_row, size_t batch)
        : kernels_(kernels), layout_(layout), W1_(layout.first().W),
          most_(std::min(W1_.inputs, product(std::max<size_t>(most_in_row, 1), batch))),
          slots_(Buffer<int32_t>::zeros(W1_.inputs)), done_(W1_.inputs, 0) {
        features_.reserve(most_);
    }

    size_t count() const { return std::max<size_t>(features_.size(), 1); }
    size_t most() const { return std::max<size_t>(most_, 1); }
    const int32_t* slots() const { return slots_.data(); }

    // Gives each feature of the samples from begin to end a slot, in the order in which they come,
    // and brings its weights up to date.
    void begin_step(ThreadPool& pool, const Samples<T>& samples, size_t begin, size_t end,
        const Update<T>& all) {
        features_.clear();
        const Rows& rows = *samples.rows;
        with_index(rows.short_indices, [&](auto index) {
            const auto* indices = static_cast<const decltype(index)*>(rows.indices);
            for (size_t sample = begin; sample < end; ++sample) {
                const size_t row = samples.row(sample);
                for (size_t i = rows.starts[row]; i < rows.starts[row + 1]; ++i)
                    touch(static_cast<size_t>(indices[i]));
            }
        });
        each_feature(pool, features_.size(), [&](size_t slot) { catch_up(features_[slot], all); });
    }

    // Takes a step with the touched rows of W1 and with all other parameters.
    void update(ThreadPool& pool, const Rule<T>& rule, const Update<T>& all) {
        const Layout compact = layout_.with_features(count());
        each_feature(pool, features_.size(), [&](size_t slot) {
            const size_t feature = features_[slot];
            each_panel([&](size_t first, size_t width) {
                kernels_.update(rule,
                    part(all, W1_.row(first, feature), compact.first().W.row(first, slot)), 0,
                    width);
            });
            done_[feature] = rules_.size() + 1;
        });
        const size_t start = layout_.first().b_start;
        kernels_.update(rule, part(all, start, compact.first().b_start), 0, layout_.size() - start);
        rules_.push_back(rule);
    }

    // Brings every row of W1 up to date.
    void flush(ThreadPool& pool, const Update<T>& all) {
        each_feature(pool, W1_.inputs, [&](size_t feature) {
            catch_up(feature, all);
            done_[feature] = 0;
        });
        rules_.clear();
    }

  private:
    static constexpr size_t task_features = 512;

    void touch(size_t feature) {
        const size_t slot = static_cast<size_t>(slots_[feature]);
        if (slot < features_.size() && features_[slot] == feature) return;
        slots_[feature] = static_cast<int32_t>(features_.size());
        features_.push_back(feature);
    }

    template <class Action>
    void each_feature(ThreadPool& pool, size_t count, const Action& action) {
        pool.for_each((count + task_features - 1) / task_features, [&](size_t task, size_t) {
            const size_t end = std::min(count, (task + 1) * task_features);
            for (size_t i = task * task_features; i < end; ++i) action(i);
        });
    }

    template <class Action> void each_panel(const Action& action) const {
        for (size_t first = 0; first < W1_.stride(); first += W1_.panel)
            action(first, W1_.width(first));
    }

    void catch_up(size_t feature, const Update<T>& all) {
        const size_t missed = rules_.size() - done_[feature];
        if (missed == 0 || all.first == nullptr) return;
        each_panel([&](size_t from, size_t width) {
            kernels_.catch_up(rules_.data() + done_[feature], missed,
                part(all, W1_.row(from, feature), 0), width);
        });
    }

    static Update<T> part(const Update<T>& all, size_t at, size_t gradient_at) {
        return {all.parameters + at, all.first ? all.first + at : nullptr,
            all.second ? all.second + at : nullptr, all.gradients + gradient_at, all.slices,
            all.gradient_stride};
    }

    const Kernels<T>& kernels_;
    const Layout& layout_;
    const Matrix& W1_;
    size_t most_;
    Buffer<int32_t> slots_;         // valid where features_ agrees
    std::vector<size_t> features_;  // of the batch, by slot
    std::vector<size_t> done_;      // steps that a feature's weights have taken
    std::vector<Rule<T>> rules_;    // of the steps since the last flush
};

}  // namespace handgrad
