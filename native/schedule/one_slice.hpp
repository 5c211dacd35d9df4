// A pass over all rows as one slice, in the caller's thread: for rows that are one part of a larger
// set, whose parts are passed over by several threads at once. One slice has one gradient, so that
// nothing is zeroed or added up per slice, and no thread is started.
//
// The rows may lie dense or packed. Both give the same bits, because both add the same products in
// the same order: bytes are multiplied as whole numbers, sums of them are scaled at the end, and
// the sum of a feature's gradient takes the rows one after another (backward_columns).
#pragma once

#include <utility>

#include "rows/packed.hpp"
#include "schedule/row_slices.hpp"

namespace handgrad {

template <class T> class OneSlice {
  public:
    OneSlice(const Kernels<T>& kernels, Layout layout, const NetworkArrays<const T>& from,
        const Samples<T>& samples)
        : kernels_(kernels), layout_(std::move(layout)), samples_(samples), store_(layout_, from),
          workspace_(layout_, samples, most_in_row(*samples.rows), samples.rows->count, 1) {}

    // The cost and the hits.
    Metrics cost(T decay) const { return pass(decay, nullptr); }

    // The same, and the gradient.
    Metrics cost_and_gradient(T decay, const NetworkArrays<T>& to) const {
        const Buffer<T> gradient(layout_.size());
        const Metrics metrics = pass(decay, gradient.data());
        add_decay(kernels_, layout_, store_.values(), decay, gradient.data());
        export_arrays<T>(layout_, gradient.data(), to);
        return metrics;
    }

  private:
    Metrics pass(T decay, T* gradient) const {
        ThreadPool none(1);
        Metrics metrics = kernels_.step(
            store_.view(), samples_, 0, samples_.rows->count, workspace_[0], layout_, gradient);
        metrics.cost += penalty_of(none, kernels_, layout_, store_.values(), decay);
        return metrics;
    }

    const Kernels<T>& kernels_;
    const Layout layout_;
    const Samples<T>& samples_;
    const ParameterStore<T> store_;
    const Workspace<T> workspace_;
};

}  // namespace handgrad
