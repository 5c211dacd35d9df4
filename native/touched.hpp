// Batches of sparse rows touch few of the features. Only those rows of W1 take part in a step:
// the gradient holds a row for each of them, and what momentum does to the others meanwhile is
// made up for, step by step and to the last bit, when a sample next touches them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "buffer.hpp"
#include "kernels.hpp"
#include "team.hpp"

namespace handgrad {

// Whether a batch touches so few features that keeping account of them pays.
template <class T>
bool worth_tracking(const Samples<T>& samples, const Layout& layout, std::size_t batch) {
    const Rows& rows = *samples.rows;
    if (!rows.sparse() || rows.count == 0) return false;
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
          slots_(Buffer<std::int32_t>::zeros(layout.D)), done_(layout.D, 0) {
        features_.reserve(most_);
    }

    std::size_t count() const { return std::max<std::size_t>(features_.size(), 1); }
    std::size_t most() const { return std::max<std::size_t>(most_, 1); }
    const std::int32_t* slots() const { return slots_.data(); }

    // Gives each feature of the samples from begin to end a slot, in the order of their coming,
    // and brings its weights up to date.
    void collect(Team& team, const Samples<T>& samples, std::size_t begin, std::size_t end,
                 T* parameters, T* first, T* second) {
        features_.clear();
        const Rows& rows = *samples.rows;
        for (std::size_t sample = begin; sample < end; ++sample) {
            const std::size_t row = samples.row(sample);
            for (std::int64_t i = rows.starts[row]; i < rows.starts[row + 1]; ++i)
                touch(rows.short_indices ? static_cast<const std::uint16_t*>(rows.indices)[i]
                                         : static_cast<std::size_t>(
                                               static_cast<const std::int32_t*>(rows.indices)[i]));
        }
        each_feature(team, features_.size(), [&](std::size_t slot) {
            coast(features_[slot], parameters, first, second);
        });
    }

    // Takes a step with the touched rows of W1 and with all other parameters.
    void update(Team& team, const Rule<T>& rule, const Update<T>& all) {
        const Layout compact = layout_.touching(count());
        each_feature(team, features_.size(), [&](std::size_t slot) {
            const std::size_t feature = features_[slot];
            each_panel([&](std::size_t first, std::size_t width) {
                kernels_.update(
                    rule, part(all, layout_.W1.row(first, feature), compact.W1.row(first, slot)),
                    0, width);
            });
            done_[feature] = rules_.size() + 1;
        });
        kernels_.update(
            rule, part(all, layout_.b1(), compact.b1()), 0, layout_.size() - layout_.b1());
        rules_.push_back(rule);
    }

    // Brings every row of W1 up to date.
    void settle(Team& team, T* parameters, T* first, T* second) {
        each_feature(team, layout_.D, [&](std::size_t feature) {
            coast(feature, parameters, first, second);
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
    void each_feature(Team& team, std::size_t count, const Action& action) {
        team.each((count + task_features - 1) / task_features, [&](std::size_t task, std::size_t) {
            const std::size_t end = std::min(count, (task + 1) * task_features);
            for (std::size_t i = task * task_features; i < end; ++i) action(i);
        });
    }

    template <class Action> void each_panel(const Action& action) const {
        for (std::size_t first = 0; first < layout_.W1.stride(); first += layout_.W1.panel)
            action(first, layout_.W1.width(first));
    }

    void coast(std::size_t feature, T* parameters, T* first, T* second) {
        const std::size_t missed = rules_.size() - done_[feature];
        if (missed == 0 || first == nullptr) return;
        each_panel([&](std::size_t from, std::size_t width) {
            const std::size_t at = layout_.W1.row(from, feature);
            kernels_.coast(rules_.data() + done_[feature], missed, parameters + at, first + at,
                           second ? second + at : nullptr, width);
        });
    }

    static Update<T> part(const Update<T>& all, std::size_t at, std::size_t gradient_at) {
        return {all.parameters + at, all.first ? all.first + at : nullptr,
                all.second ? all.second + at : nullptr, all.gradients + gradient_at,
                all.slices, all.gradient_stride};
    }

    const Kernels<T>& kernels_;
    const Layout& layout_;
    std::size_t most_;
    Buffer<std::int32_t> slots_;         // valid where features_ agrees
    std::vector<std::size_t> features_;  // of the batch, by slot
    std::vector<std::size_t> done_;      // steps that a feature's weights have taken
    std::vector<Rule<T>> rules_;         // of the steps since the last settling
};

}  // namespace handgrad
