// Passes over all rows as they lie that need no gradient: cost and probabilities.
#pragma once

#include "schedule/row_slices.hpp"

namespace handgrad {

template <class T> class Evaluation {
  public:
    Evaluation(const Kernels<T>& kernels, const ParameterStore<T>& store, const Samples<T>& samples)
        : kernels_(kernels), store_(store), layout_(*store.view().layout), samples_(samples),
          slices_(0, samples.rows->count, layout_.size(), 1) {}

    size_t workers(size_t threads) const {
        const double rows = static_cast<double>(samples_.rows->count);
        return workers_for(
            work_of_passes(samples_, layout_, rows), std::min(threads, slices_.count));
    }

    // The cost and the hits, in slices as those of a step: the same bits.
    Metrics cost(ThreadPool& pool, T decay) const {
        std::vector<Metrics> metrics(slices_.count);
        each_slice(pool, [&](size_t slice, size_t begin, size_t end, const Scratch<T>& scratch) {
            metrics[slice] = kernels_.cost(store_.view(), samples_, begin, end, scratch);
        });
        Metrics sum = sum_of(metrics, slices_.count);
        sum.cost += penalty_of(pool, kernels_, layout_, store_.values(), decay);
        return sum;
    }

    // F4 of all rows: (m, classes), in C order.
    void probabilities(ThreadPool& pool, T* to) const {
        each_slice(pool, [&](size_t, size_t begin, size_t end, const Scratch<T>& scratch) {
            kernels_.predict(store_.view(), samples_, begin, end, scratch, to);
        });
    }

  private:
    template <class Action> void each_slice(ThreadPool& pool, const Action& action) const {
        const Rows& rows = *samples_.rows;
        const Workspace<T> workspace(
            layout_, samples_, most_in_row(rows), rows.count, pool.workers());
        pool.for_each(slices_.count, [&](size_t slice, size_t worker) {
            action(slice, slices_.cut(slice), slices_.cut(slice + 1), workspace[worker]);
        });
    }

    const Kernels<T>& kernels_;
    const ParameterStore<T>& store_;
    const Layout& layout_;
    const Samples<T>& samples_;
    const Slices slices_;
};

}  // namespace handgrad
