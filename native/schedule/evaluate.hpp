// Passes over all rows as they lie, that need no gradient: cost and probabilities.
#pragma once

#include "schedule/row_slices.hpp"

namespace handgrad {

// The cost and the hits of all rows, in slices as those of a step: the same bits.
template <class T> Metrics cost_of(const Kernels<T>& kernels, const ParameterStore<T>& store,
    const Samples<T>& samples, std::size_t threads, T decay) {
    const Layout& layout = *store.view().layout;
    const Rows& rows = *samples.rows;
    const Slices slices(0, rows.count, layout.size(), 1);
    ThreadPool pool(workers_for(work_of_passes(samples, layout, static_cast<double>(rows.count)),
        std::min(threads, slices.count)));
    const Workspace<T> workspace(layout, samples, most_in_row(rows), rows.count, pool.workers());
    std::vector<Metrics> metrics(slices.count);
    pool.for_each(slices.count, [&](std::size_t slice, std::size_t worker) {
        metrics[slice] = kernels.cost(
            store.view(), samples, slices.cut(slice), slices.cut(slice + 1), workspace[worker]);
    });
    Metrics sum = sum_of(metrics, slices.count);
    sum.cost += penalty_of(pool, kernels, layout, store.values(), decay);
    return sum;
}

// F4 of all rows: (m, K), in C order.
template <class T> void probabilities_of(const Kernels<T>& kernels, const ParameterStore<T>& store,
    const Samples<T>& samples, std::size_t threads, T* to) {
    constexpr std::size_t part = 512;  // rows of a task
    const Layout& layout = *store.view().layout;
    const Rows& rows = *samples.rows;
    const std::size_t tasks = (rows.count + part - 1) / part;
    ThreadPool pool(workers_for(work_of_passes(samples, layout, static_cast<double>(rows.count)),
        std::min(threads, tasks)));
    const Workspace<T> workspace(
        layout, samples, most_in_row(rows), std::min(rows.count, part), pool.workers());
    pool.for_each(tasks, [&](std::size_t task, std::size_t worker) {
        kernels.predict(store.view(), samples, task * part, std::min(rows.count, (task + 1) * part),
            workspace[worker], to);
    });
}

}  // namespace handgrad
