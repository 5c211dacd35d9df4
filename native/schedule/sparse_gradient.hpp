// Batches of sparse rows touch few of the features. The gradient of W1 then has a row for each of
// those alone: no step writes, adds up or reads zeros for the others. Plain descent without a
// penalty leaves the other weights alone, too. Penalty and momentum change all weights, in one pass.
#pragma once

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "network/storage.hpp"
#include "threads/thread_pool.hpp"

namespace handgrad {

// Whether such a gradient pays: W1 is too large for the cores' own caches, and most of its gradient
// would be zeros (benchmarks/touched.py).
template <class T>
bool worth_tracking(const Samples<T>& samples, const Layout& layout, size_t batch) {
    constexpr size_t numbers = 1 << 18;
    const Rows& rows = *samples.rows;
    const Matrix& W1 = layout.first().W;
    if (!rows.sparse() || rows.count == 0 || W1.size() < numbers) return false;
    const double nonzeros = static_cast<double>(rows.starts[rows.count]);  // of all rows
    const double of_a_batch =
        nonzeros / static_cast<double>(rows.count) * static_cast<double>(batch);
    return of_a_batch * 4 < static_cast<double>(W1.inputs);
}

template <class T> class SparseGradient {
  public:
    SparseGradient(
        const Kernels<T>& kernels, const Layout& layout, size_t most_in_row, size_t batch)
        : kernels_(kernels), layout_(layout), W1_(layout.first().W),
          most_(std::min(W1_.inputs, product(std::max<size_t>(most_in_row, 1), batch))),
          slots_(W1_.inputs, untouched), sums_((W1_.inputs + task_features - 1) / task_features) {
        features_.reserve(most_);
    }

    size_t count() const { return std::max<size_t>(features_.size(), 1); }
    size_t most() const { return std::max<size_t>(most_, 1); }
    const int32_t* slots() const { return slots_.data(); }

    // Gives each feature of the samples from begin to end a slot, in the order in which they come.
    void collect(const Samples<T>& samples, size_t begin, size_t end) {
        for (const size_t feature : features_) slots_[feature] = untouched;
        features_.clear();
        const Rows& rows = *samples.rows;
        with_index(rows.short_indices, [&](auto index) {
            const auto* indices = static_cast<const decltype(index)*>(rows.indices);
            for (size_t sample = begin; sample < end; ++sample) {
                const size_t row = samples.row(sample);
                for (size_t i = rows.starts[row]; i < rows.starts[row + 1]; ++i) {
                    const size_t feature = static_cast<size_t>(indices[i]);
                    if (slots_[feature] != untouched) continue;
                    slots_[feature] = static_cast<int32_t>(features_.size());
                    features_.push_back(feature);
                }
            }
        });
    }

    // Takes a step: with the touched rows of W1, or with all and the sum of their squares after it.
    void update(ThreadPool& pool, const Rule<T>& rule, const Update<T>& all) {
        const Layout compact = layout_.with_features(count()), head = layout_.with_features(0);
        const Matrix& dW1 = compact.first().W;
        squares_.reset();
        if (rule.kind == Rule<T>::sgd && rule.decay == 0)
            update_touched(pool, rule, all, dW1);
        else
            squares_ = sum_of_parts(
                pool, [&](size_t first, size_t at, size_t feature, size_t count, size_t width) {
                    return kernels_.update_rows(rule, part(all, at, dW1.row(first, 0)),
                        slots_.data() + feature, count, width);
                });
        const Update<T> rest = part(all, layout_.first().b_start, compact.first().b_start);
        update_range(kernels_, head, rule, rest, 0, head.size());
    }

    // The squares of W1, added up in the order in which a step adds them.
    double squares(ThreadPool& pool, const T* parameters) {
        if (!squares_)
            squares_ =
                sum_of_parts(pool, [&](size_t, size_t at, size_t, size_t count, size_t width) {
                    return kernels_.sum_of_squares(parameters + at, count * width);
                });
        return *squares_;
    }

  private:
    static constexpr size_t task_features = 512;
    static constexpr int32_t untouched = -1;

    void update_touched(
        ThreadPool& pool, const Rule<T>& rule, const Update<T>& all, const Matrix& dW1) {
        const size_t count = features_.size();
        pool.for_each((count + task_features - 1) / task_features, [&](size_t task, size_t) {
            const size_t end = std::min(count, (task + 1) * task_features);
            for (size_t slot = task * task_features; slot < end; ++slot)
                each_panel([&](size_t first, size_t width) {
                    const size_t at = W1_.row(first, features_[slot]);
                    kernels_.update(rule, part(all, at, dW1.row(first, slot)), 0, width);
                });
        });
    }

    // Adds up what action returns for parts of W1: `count` rows of a panel, from a feature on.
    template <class Action> double sum_of_parts(ThreadPool& pool, const Action& action) {
        pool.for_each(sums_.size(), [&](size_t task, size_t) {
            const size_t feature = task * task_features;
            const size_t count = std::min(task_features, W1_.inputs - feature);
            sums_[task] = 0;
            each_panel([&](size_t first, size_t width) {
                sums_[task] += action(first, W1_.row(first, feature), feature, count, width);
            });
        });
        return std::accumulate(sums_.begin(), sums_.end(), 0.0);
    }

    template <class Action> void each_panel(const Action& action) const {
        for (size_t first = 0; first < W1_.stride(); first += W1_.panel)
            action(first, W1_.width(first));
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
    std::vector<int32_t> slots_;     // of all features; of the batch's, their rows in dW1
    std::vector<size_t> features_;   // of the batch, by slot
    std::vector<double> sums_;       // of each task
    std::optional<double> squares_;  // of W1 as it is, if they are known
};

}  // namespace handgrad
