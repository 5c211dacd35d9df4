// Steps over all rows or over batches, cut into slices of rows. The number of slices depends on the
// number of rows alone, and their gradients are added in one fixed order, so that any number of
// threads gives the same bits.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "rows/packed.hpp"
#include "schedule/sparse_gradient.hpp"
#include "schedule/trainer.hpp"

namespace handgrad {

// How the samples of a step are cut into slices, at multiples of `unit`.
struct Slices {
    size_t begin, end, count, unit;

    Slices(size_t begin, size_t end, size_t gradient_size, size_t unit)
        : begin(begin), end(end), unit(unit) {
        constexpr size_t slice_rows = 96, most = 64;  // rows at least; slices at most
        constexpr size_t budget = 16u << 20;          // numbers of all slices' gradients
        const size_t affordable = std::max<size_t>(budget / gradient_size, 2);
        count = std::clamp<size_t>(
            (end - begin) / std::max(slice_rows, unit), 1, std::min(most, affordable));
    }
    size_t cut(size_t slice) const {
        return std::min(end, begin + (end - begin + unit - 1) / unit * slice / count * unit);
    }
};

inline Metrics sum_of(const std::vector<Metrics>& slices, size_t count) {
    Metrics sum;
    for (size_t slice = 0; slice < count; ++slice) {
        sum.cost += slices[slice].cost;
        sum.correct += slices[slice].correct;
    }
    return sum;
}

inline size_t update_tasks(size_t size) {
    constexpr size_t task_size = 16384;
    return std::max<size_t>(size / task_size, 1);
}

// Cuts a flat array at whole vectors, and calls action(task, begin, end) for each part.
template <class Action>
void each_part(ThreadPool& pool, size_t size, size_t lanes, const Action& action) {
    const size_t tasks = update_tasks(size), vectors = size / lanes;
    pool.for_each(tasks, [&](size_t task, size_t) {
        action(task, vectors * task / tasks * lanes, vectors * (task + 1) / tasks * lanes);
    });
}

// What the penalty adds to the cost: decay/2 · Σ W².
template <class T> double penalty_of(
    ThreadPool& pool, const Kernels<T>& kernels, const Layout& layout, const T* values, T decay) {
    if (decay == 0) return 0;
    const Matrix& W1 = layout.first().W;
    std::vector<double> squares(update_tasks(W1.size()));
    each_part(pool, W1.size(), W1.lanes, [&](size_t task, size_t begin, size_t end) {
        squares[task] = kernels.sum_of_squares(values + begin, end - begin);
    });
    double sum = squares_behind_first(kernels, layout, values);
    for (const double part : squares) sum += part;
    return static_cast<double>(decay) / 2 * sum;
}

// Adds the penalty's part to a gradient: decay · W; biases do not decay.
template <class T> void add_decay(
    const Kernels<T>& kernels, const Layout& layout, const T* values, T decay, T* gradient) {
    if (decay == 0) return;
    for (const Layer& layer : layout)
        kernels.update(plain_descent(-decay), {gradient, nullptr, nullptr, values, 1, 0},
            layer.W_start, layer.b_start);
}

template <class T> class RowSliceTrainer final : public Trainer<T> {
  public:
    // `batch` is the largest number of samples of a step; with `sparse` the gradient of sparse rows
    // may hold touched features alone (sparse_gradient.hpp).
    RowSliceTrainer(const Kernels<T>& kernels, const Layout& layout,
        const NetworkArrays<const T>& from, const Samples<T>& samples, size_t batch, size_t threads,
        bool sparse)
        : Trainer<T>(samples), kernels_(kernels), layout_(layout), batch_(batch),
          store_(layout_, from), most_in_row_(most_in_row(*samples.rows)),
          sparse_(sparse && worth_tracking(samples, layout, batch)
                      ? std::make_unique<SparseGradient<T>>(kernels, layout_, most_in_row_, batch)
                      : nullptr),
          gradient_size_(sparse_ ? layout.with_features(sparse_->most()).size() : layout.size()),
          unit_(samples.rows->csc ? CscBlocks::block : 1), used_(0, batch, gradient_size_, unit_),
          gradients_(product(used_.count, gradient_size_)), metrics_(used_.count),
          workers_(std::min(threads, std::max(used_.count, update_tasks(layout.size())))),
          workspace_(layout_, samples, most_in_row_, batch, workers_) {
        if (sparse_) this->samples.slots = sparse_->slots();
    }

    size_t most_workers() const override { return workers_; }
    size_t workers(double rows) const override {
        return workers_for(work_of_steps(rows), workers_of_a_step());
    }

    // The mean loss of the samples from begin to end, and each slice's part of the gradient.
    Metrics pass(ThreadPool& pool, size_t begin, size_t end) {
        if (sparse_) sparse_->collect(this->samples, begin, end);
        const Layout layout = sparse_ ? layout_.with_features(sparse_->count()) : layout_;
        used_ = Slices(begin, end, gradient_size_, unit_);
        stride_ = layout.size();
        pool.for_each(used_.count, [&](size_t slice, size_t worker) {
            metrics_[slice] =
                kernels_.step(store_.view(), this->samples, used_.cut(slice), used_.cut(slice + 1),
                    workspace_[worker], layout, gradients_.data() + slice * stride_);
        });
        return sum_of(metrics_, used_.count);
    }

    // Writes the gradient of the last pass, with that of the penalty.
    void write_gradient(ThreadPool& pool, T decay, const NetworkArrays<T>& to) {
        T* const sum = gradients_.data();  // in the first slice's
        if (used_.count > 1)
            apply(pool, plain_descent(T(-1)),
                {sum, nullptr, nullptr, sum + stride_, used_.count - 1, stride_});
        add_decay(kernels_, layout_, store_.values(), decay, sum);
        export_arrays<T>(layout_, sum, to);
    }

    double penalty(ThreadPool& pool, T decay) const {
        if (!sparse_) return penalty_of(pool, kernels_, layout_, store_.values(), decay);
        if (decay == 0) return 0;
        const double rest = squares_behind_first(kernels_, layout_, store_.values());
        return static_cast<double>(decay) / 2 * (rest + sparse_->squares(pool, store_.values()));
    }

    // Takes one step of the rule with the gradient of the last pass.
    void update(ThreadPool& pool, const Rule<T>& rule) {
        if (rule.kind != Rule<T>::sgd) store_.state.prepare_moments();
        const Update<T> update = store_.state.update(gradients_.data(), used_.count, stride_);
        if (sparse_)
            sparse_->update(pool, rule, update);
        else
            apply(pool, rule, update);
        store_.refresh();
    }

    void run(ThreadPool& pool, const std::vector<Batch<T>>& batches, Metrics* metrics) override {
        for (const Batch<T>& batch : batches) {
            this->samples.share = batch.share;
            *metrics = pass(pool, batch.begin, batch.end);
            metrics++->cost += penalty(pool, batch.rule.decay);
            update(pool, batch.rule);
        }
    }

    void write(Part part, const NetworkArrays<T>& to) override { store_.write(part, to); }
    void read(Part part, const NetworkArrays<const T>& from) override { store_.read(part, from); }

  private:
    double work_of_steps(double rows) const {
        return 2 * work_of_passes(this->samples, layout_, rows);
    }

    size_t workers_of_a_step() const {
        const double numbers = static_cast<double>(layout_.size());
        const double updates = 4 * numbers / static_cast<double>(layout_.first().W.lanes);
        return workers_for(
            work_of_steps(static_cast<double>(batch_)) + updates, workers_, work_in_a_step);
    }

    void apply(ThreadPool& pool, const Rule<T>& rule, const Update<T>& update) const {
        each_part(
            pool, layout_.size(), layout_.first().W.lanes, [&](size_t, size_t begin, size_t end) {
                update_range(kernels_, layout_, rule, update, begin, end);
            });
    }

    const Kernels<T>& kernels_;
    const Layout layout_;
    const size_t batch_;
    ParameterStore<T> store_;
    size_t most_in_row_;
    std::unique_ptr<SparseGradient<T>> sparse_;
    size_t gradient_size_, unit_;
    Slices used_;
    size_t stride_ = 0;
    Buffer<T> gradients_;
    std::vector<Metrics> metrics_;
    size_t workers_;
    Workspace<T> workspace_;
};

}  // namespace handgrad
