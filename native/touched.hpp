// Batches of sparse rows touch few of the features. The gradient of W1 holds a row for each of
// those alone: no step writes, adds up or reads zeros for the others. Plain descent without decay
// leaves the weights of the others alone, too; what decay and momentum do to them is done in the
// one pass over all weights that such a step needs anyway.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "buffer.hpp"
#include "kernels.hpp"
#include "parameters.hpp"
#include "team.hpp"

namespace handgrad {

// Whether a batch touches so few features that keeping account of them pays: W1 is too large for
// the cores' own caches, and most of its gradient would be zeros (benchmarks/touched.py).
template <class T>
bool worth_tracking(const Samples<T>& samples, const Layout& layout, std::size_t batch) {
    constexpr std::size_t numbers = 1 << 18;
    const Rows& rows = *samples.rows;
    if (!rows.sparse() || rows.count == 0 || layout.W1.size() < numbers) return false;
    const double nonzeros = static_cast<double>(rows.starts[rows.count] - rows.starts[0]);
    const double of_a_batch = nonzeros / static_cast<double>(rows.count) * static_cast<double>(batch);
    return of_a_batch * 4 < static_cast<double>(layout.D);
}

template <class T> class Touched {
  public:
    Touched(const Kernels<T>& kernels, const Layout& layout, std::size_t most_in_row,
            std::size_t batch)
        : kernels_(kernels), layout_(layout),
          most_(std::min(layout.D, product(std::max<std::size_t>(most_in_row, 1), batch))),
          slots_(layout.D, untouched), sums_((layout.D + task_features - 1) / task_features) {
        features_.reserve(most_);
    }

    std::size_t count() const { return std::max<std::size_t>(features_.size(), 1); }
    std::size_t most() const { return std::max<std::size_t>(most_, 1); }
    const std::int32_t* slots() const { return slots_.data(); }

    // Gives each feature of the samples from begin to end a slot, in the order of their coming.
    void collect(const Samples<T>& samples, std::size_t begin, std::size_t end) {
        for (const std::size_t feature : features_) slots_[feature] = untouched;
        features_.clear();
        const Rows& rows = *samples.rows;
        for (std::size_t sample = begin; sample < end; ++sample) {
            const std::size_t row = samples.row(sample);
            for (std::int64_t i = rows.starts[row]; i < rows.starts[row + 1]; ++i)
                touch(rows.short_indices ? static_cast<const std::uint16_t*>(rows.indices)[i]
                                         : static_cast<std::size_t>(
                                               static_cast<const std::int32_t*>(rows.indices)[i]));
        }
    }

    // Takes a step.
    void update(Team& team, const Rule<T>& rule, const Update<T>& all) {
        const Layout compact = layout_.touching(count());
        squares_.reset();
        if (rule.kind == Rule<T>::descent && rule.decay == 0)
            update_touched(team, rule, all, compact);
        else
            squares_ = update_all(team, rule, all, compact);
        const Layout head = layout_.touching(0);
        update_range(kernels_, head, rule, part(all, layout_.b1(), compact.b1()), 0, head.size());
    }

    // The squares of W1, added up in the order in which a step adds them.
    double squares(Team& team, const T* parameters) {
        if (!squares_)
            squares_ = sum_of_ranges(team, [&](std::size_t, std::size_t at, std::size_t,
                                               std::size_t count, std::size_t width) {
                return kernels_.sum_of_squares(parameters + at, count * width);
            });
        return *squares_;
    }

  private:
    static constexpr std::size_t task_features = 512;
    static constexpr std::int32_t untouched = -1;

    void touch(std::size_t feature) {
        if (slots_[feature] != untouched) return;
        slots_[feature] = static_cast<std::int32_t>(features_.size());
        features_.push_back(feature);
    }

    // With the touched rows of W1.
    void update_touched(Team& team, const Rule<T>& rule, const Update<T>& all,
                        const Layout& compact) {
        const std::size_t count = features_.size();
        team.each((count + task_features - 1) / task_features, [&](std::size_t task, std::size_t) {
            const std::size_t end = std::min(count, (task + 1) * task_features);
            for (std::size_t slot = task * task_features; slot < end; ++slot)
                each_panel([&](std::size_t first, std::size_t width) {
                    const std::size_t at = layout_.W1.row(first, features_[slot]);
                    kernels_.update(rule, part(all, at, compact.W1.row(first, slot)), 0, width);
                });
        });
    }

    // With all rows of W1; returns the sum of their squares after it.
    double update_all(Team& team, const Rule<T>& rule, const Update<T>& all,
                      const Layout& compact) {
        return sum_of_ranges(team, [&](std::size_t first, std::size_t at, std::size_t feature,
                                       std::size_t count, std::size_t width) {
            return kernels_.update_rows(rule, part(all, at, compact.W1.row(first, 0)),
                                        slots_.data() + feature, count, width);
        });
    }

    // Adds up what action returns for parts of W1: `count` rows of a panel, from a feature on.
    template <class Action> double sum_of_ranges(Team& team, const Action& action) {
        team.each(sums_.size(), [&](std::size_t task, std::size_t) {
            const std::size_t feature = task * task_features;
            const std::size_t count = std::min(task_features, layout_.D - feature);
            sums_[task] = 0;
            each_panel([&](std::size_t first, std::size_t width) {
                const std::size_t at = layout_.W1.row(first, feature);
                sums_[task] += action(first, at, feature, count, width);
            });
        });
        return std::accumulate(sums_.begin(), sums_.end(), 0.0);
    }

    template <class Action> void each_panel(const Action& action) const {
        for (std::size_t first = 0; first < layout_.W1.stride(); first += layout_.W1.panel)
            action(first, layout_.W1.width(first));
    }

    static Update<T> part(const Update<T>& all, std::size_t at, std::size_t gradient_at) {
        return {all.parameters + at, all.first ? all.first + at : nullptr,
                all.second ? all.second + at : nullptr, all.gradients + gradient_at,
                all.slices, all.gradient_stride};
    }

    const Kernels<T>& kernels_;
    const Layout& layout_;
    std::size_t most_;
    std::vector<std::int32_t> slots_;    // of all features; of the batch's, their rows in dW1
    std::vector<std::size_t> features_;  // of the batch, by slot
    std::vector<double> sums_;           // of each task
    std::optional<double> squares_;      // of W1 as it is, where they are known
};

}  // namespace handgrad
