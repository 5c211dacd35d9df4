// Whole runs of steps without a return to the caller, but to report now and then; and passes over
// all rows as they lie that need no gradient.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

#include "schedule/row_slices.hpp"

namespace handgrad {

// Cost and outputs.
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
            metrics[slice] =
                kernels_.step(store_.view(), samples_, begin, end, scratch, layout_, nullptr);
        });
        Metrics sum = sum_of(metrics, slices_.count);
        sum.cost += penalty_of(pool, kernels_, layout_, store_.values(), decay);
        return sum;
    }

    // The outputs (O1) of all rows: (m, columns), in C order.
    void outputs(ThreadPool& pool, T* to) const {
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

// Tells when a report is due: 50 ms after the last one, or later if a report takes long, so that a
// run spends no more than a tenth of its time on reports.
class ReportTimer {
  public:
    bool due() const { return Clock::now() >= next_; }
    template <class Report> bool take(const Report& report) {
        const auto begin = Clock::now();
        const bool stop = report();
        const auto end = Clock::now();
        next_ = end + std::max<Clock::duration>(pause, 9 * (end - begin));
        return stop;
    }

  private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds pause{50};
    Clock::time_point next_ = Clock::now() + pause;
};

// What a run measures, with room for all of its steps.
struct Figures {
    double *costs, *accuracies;
};

// Full-batch descent (U1). Calls report with the number of costs measured; if it returns true, no
// further step is taken. Returns the number of steps.
template <class T, class Report> size_t descend(ThreadPool& pool, RowSliceTrainer<T>& trainer,
    T rate, T decay, size_t iterations, const Figures& figures, const Report& report) {
    ReportTimer timer;
    const Rule<T> rule{Rule<T>::sgd, rate, 0, 0, 0, decay};
    const size_t m = trainer.samples.rows->count;
    for (size_t step = 0; step < iterations; ++step) {
        const Metrics metrics = trainer.pass(pool, 0, m);
        figures.costs[step] = metrics.cost + trainer.penalty(pool, rule.decay);
        figures.accuracies[step] = metrics.correct / static_cast<double>(m);
        if (timer.due() || step + 1 == iterations) {
            const bool stop = timer.take([&] { return report(step + 1); });
            pool.check_fork();
            if (stop) return step;
        }
        trainer.update(pool, rule);
    }
    return iterations;
}

// The parts of an epoch. `steps` counts those taken so far, for adam's correction.
template <class T> struct Epoch {
    Rule<T> rule;  // rate as the user gave it
    double alpha;  // decay times the rows of a batch, or their weights
    size_t batch, steps;
    const int64_t* order;
    size_t count;           // rows of the order
    const double* weights;  // of all rows; null: 1 each
    T* shares;              // room for all of the order, where there are weights
};

template <class T> Rule<T> rule_of_step(const Rule<T>& rule, size_t step) {
    if (rule.kind != Rule<T>::adam) return rule;
    Rule<T> corrected = rule;
    const double t = static_cast<double>(step);
    corrected.rate =
        static_cast<T>(static_cast<double>(rule.rate) *
                       std::sqrt(1 - std::pow(static_cast<double>(rule.square_kept), t)) /
                       (1 - std::pow(static_cast<double>(rule.momentum_kept), t)));
    return corrected;
}

// Sets the share of each sample from begin to end in the cost of its batch, if it has a weight;
// returns the sum of weights.
template <class T>
double set_shares(Samples<T>& samples, const Epoch<T>& epoch, size_t begin, size_t end) {
    if (!epoch.weights) return static_cast<double>(end - begin);
    double sum = 0;
    for (size_t i = begin; i < end; ++i) sum += epoch.weights[samples.row(i)];
    for (size_t i = begin; i < end; ++i) {
        const double weight = epoch.weights[samples.row(i)];
        epoch.shares[i] = sum > 0 ? static_cast<T>(weight / sum) : T(0);
    }
    samples.shares = epoch.shares;
    return sum;
}

// The next batches: many small ones at a time, so that workers seldom wait for the next call.
template <class T>
std::vector<Batch<T>> next_batches(Samples<T>& samples, const Epoch<T>& epoch, size_t done) {
    constexpr size_t rows = 4096, most = 32;
    std::vector<Batch<T>> batches;
    size_t begin = done * epoch.batch;
    const size_t enough = std::clamp<size_t>(rows / epoch.batch, 1, most);
    while (begin < epoch.count && batches.size() < enough) {
        const size_t end = std::min(epoch.count, begin + epoch.batch);
        const double sum = set_shares(samples, epoch, begin, end);
        Rule<T> rule = rule_of_step(epoch.rule, epoch.steps + done + batches.size() + 1);
        if (sum > 0) rule.decay = static_cast<T>(epoch.alpha / sum);
        batches.push_back({begin, end, T(1) / static_cast<T>(end - begin), rule});
        begin = end;
    }
    return batches;
}

// One step per batch; report as in descend.
template <class T, class Report> size_t run_epoch(ThreadPool& pool, Trainer<T>& trainer,
    const Epoch<T>& epoch, const Figures& figures, const Report& report) {
    ReportTimer timer;
    Samples<T>& samples = trainer.samples;
    samples.order = epoch.order;
    samples.count = epoch.count;
    size_t done = 0;
    for (bool stop = false; !stop && done * epoch.batch < epoch.count;) {
        const std::vector<Batch<T>> batches = next_batches(samples, epoch, done);
        std::vector<Metrics> metrics(batches.size());
        trainer.run(pool, batches, metrics.data());
        for (size_t i = 0; i < batches.size(); ++i, ++done) {
            const double rows = static_cast<double>(batches[i].end - batches[i].begin);
            figures.costs[done] = metrics[i].cost;
            figures.accuracies[done] = metrics[i].correct / rows;
        }
        if (timer.due() || batches.back().end == epoch.count) {
            stop = timer.take([&] { return report(done); });
            pool.check_fork();
        }
    }
    return done;
}

}  // namespace handgrad
