// Steps over all rows or over batches, cut into slices by the number of rows alone and added in
// one fixed order, so that any number of threads gives the same bits.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "buffer.hpp"
#include "parameters.hpp"
#include "rows.hpp"
#include "stepper.hpp"
#include "touched.hpp"
#include "work.hpp"
#include "workspace.hpp"

namespace handgrad {

// How many slices the samples of a step are cut into, at multiples of `unit`.
inline std::size_t slices_of(std::size_t samples, std::size_t gradient_size, std::size_t unit) {
    constexpr std::size_t slice_rows = 96, most = 64;  // rows at least; slices at most
    constexpr std::size_t budget = 16u << 20;          // numbers of all slices' gradients
    const std::size_t affordable = std::max<std::size_t>(budget / gradient_size, 2);
    return std::clamp<std::size_t>(
        samples / std::max(slice_rows, unit), 1, std::min(most, affordable));
}

template <class T> class Trainer final : public Stepper<T> {
  public:
    // `batch` is the largest number of samples of a step; `track` lets the gradients of sparse rows
    // hold what they touch alone (touched.hpp).
    Trainer(const Kernels<T>& kernels, const Layout& layout, const Arrays<const T>& from,
            const Samples<T>& samples, std::size_t most_in_row, std::size_t batch,
            std::size_t threads, bool track)
        : Stepper<T>(samples), kernels_(kernels), layout_(layout), batch_(batch),
          store_(layout_, from),
          touched_(track && worth_tracking(samples, layout, batch)
                       ? std::make_unique<Touched<T>>(kernels, layout_, most_in_row, batch)
                       : nullptr),
          gradient_size_(touched_ ? layout.touching(touched_->most()).size() : layout.size()),
          unit_(samples.rows->columns ? Columns::block : 1),
          slices_(slices_of(batch, gradient_size_, unit_)),
          gradients_(product(slices_, gradient_size_)), totals_(slices_),
          workers_(std::min(threads, std::max(slices_, update_tasks(layout.size())))),
          workspace_(layout_, samples, most_in_row, batch, workers_) {
        if (touched_) this->samples_.slots = touched_->slots();
    }

    std::size_t most_workers() const override { return workers_; }
    std::size_t workers(double rows) const override {
        return workers_for(work_of_steps(rows), workers_of_a_step());
    }

    // C1 of the samples from begin to end, and each slice's part of the gradient.
    Totals pass(Team& team, std::size_t begin, std::size_t end) {
        if (touched_) touched_->collect(this->samples_, begin, end);
        const Layout layout = touched_ ? layout_.touching(touched_->count()) : layout_;
        used_ = slices_of(end - begin, gradient_size_, unit_);
        stride_ = layout.size();
        const auto cut = [&](std::size_t slice) {
            return std::min(end, begin + (end - begin + unit_ - 1) / unit_ * slice / used_ * unit_);
        };
        team.each(used_, [&](std::size_t slice, std::size_t worker) {
            totals_[slice] = kernels_.step(
                store_.view(), this->samples_, cut(slice), cut(slice + 1), workspace_[worker], layout,
                gradients_.data() + slice * stride_);
        });
        Totals sum;
        for (std::size_t slice = 0; slice < used_; ++slice) {
            sum.cost += totals_[slice].cost;
            sum.correct += totals_[slice].correct;
        }
        return sum;
    }

    // Writes the gradient of the last pass.
    void write_gradient(Team& team, const Arrays<T>& to) {
        add_slices(team);
        export_arrays<T>(layout_, gradients_.data(), to);
    }

    // What decay adds to the cost: half of it times the squares of all weights.
    double penalty(Team& team, const Rule<T>& rule) const {
        if (rule.decay == 0) return 0;
        double sum = kernels_.sum_of_squares(
            store_.values() + layout_.W2_start(), layout_.W2.size());
        if (touched_)
            sum += touched_->squares(team, store_.values());
        else
            for (const double part : squares_of_W1(team)) sum += part;
        return static_cast<double>(rule.decay) / 2 * sum;
    }

    // Takes one step of the rule with the gradient of the last pass.
    void update(Team& team, const Rule<T>& rule) {
        if (rule.kind != Rule<T>::descent) prepare_moments();
        const Update<T> update{store_.values(),   first_.data(), second_.data(),
                               gradients_.data(), used_,         stride_};
        if (touched_)
            touched_->update(team, rule, update);
        else
            apply(team, rule, update);
        store_.refresh();
    }

    void run(Team& team, const std::vector<Batch<T>>& batches, Totals* totals) override {
        for (const Batch<T>& batch : batches) {
            this->samples_.share = batch.share;
            *totals = pass(team, batch.begin, batch.end);
            totals++->cost += penalty(team, batch.rule);
            update(team, batch.rule);
        }
    }

    void write(const Arrays<T>& to) const override {
        export_arrays<T>(layout_, store_.values(), to);
    }

    void write_moments(const Arrays<T>& first, const Arrays<T>& second) override {
        prepare_moments();
        export_arrays<T>(layout_, first_.data(), first);
        export_arrays<T>(layout_, second_.data(), second);
    }

    void read_moments(const Arrays<const T>& first, const Arrays<const T>& second) override {
        prepare_moments();
        import_arrays(layout_, first, first_.data());
        import_arrays(layout_, second, second_.data());
    }

  private:
    double work_of_steps(double rows) const {
        return 2 * work_of_passes(this->samples_, layout_, rows);
    }

    std::size_t workers_of_a_step() const {
        const double numbers = static_cast<double>(layout_.size());
        const double updates = 4 * numbers / static_cast<double>(layout_.W1.lanes);
        return workers_for(
            work_of_steps(static_cast<double>(batch_)) + updates, workers_, work_in_a_step);
    }

    std::vector<double> squares_of_W1(Team& team) const {
        const std::size_t size = layout_.W1.size(), tasks = update_tasks(size);
        const std::size_t lanes = layout_.W1.lanes, vectors = size / lanes;
        std::vector<double> squares(tasks);
        team.each(tasks, [&](std::size_t task, std::size_t) {
            const std::size_t begin = vectors * task / tasks * lanes;
            squares[task] = kernels_.sum_of_squares(
                store_.values() + begin, vectors * (task + 1) / tasks * lanes - begin);
        });
        return squares;
    }

    // In the first slice's.
    void add_slices(Team& team) {
        if (used_ < 2) return;
        const Rule<T> add{Rule<T>::descent, -1, 0, 0, 0};
        apply(team, add, {gradients_.data(), nullptr, nullptr, gradients_.data() + stride_,
                          used_ - 1, stride_});
    }

    static std::size_t update_tasks(std::size_t size) {
        constexpr std::size_t task_size = 16384;
        return std::max<std::size_t>(size / task_size, 1);
    }

    void prepare_moments() {
        if (first_.size() > 0) return;
        first_ = Buffer<T>::zeros(layout_.size());
        second_ = Buffer<T>::zeros(layout_.size());
    }

    void apply(Team& team, const Rule<T>& rule, const Update<T>& update) {
        const std::size_t size = layout_.size(), tasks = update_tasks(size), lanes = layout_.W1.lanes;
        const std::size_t vectors = size / lanes;
        team.each(tasks, [&](std::size_t task, std::size_t) {
            update_range(kernels_, layout_, rule, update, vectors * task / tasks * lanes,
                         vectors * (task + 1) / tasks * lanes);
        });
    }

    const Kernels<T>& kernels_;
    const Layout layout_;
    const std::size_t batch_;
    ParameterStore<T> store_;
    std::unique_ptr<Touched<T>> touched_;
    Buffer<T> first_, second_;
    std::size_t gradient_size_, unit_, slices_, used_ = 1, stride_ = 0;
    Buffer<T> gradients_;
    std::vector<Totals> totals_;
    std::size_t workers_;
    Workspace<T> workspace_;
};

}  // namespace handgrad
