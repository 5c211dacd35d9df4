// Whole runs of steps without a return to the caller, but to report now and then.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

#include "trainer.hpp"

namespace handgrad {

// Says when it is time to report again: 50 ms after the last time, and later where a report
// takes long, so that a run spends no more than a tenth of its time on reports.
class Pulse {
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

// Full-batch descent (U1). costs and accuracies have room for all iterations. Calls report with
// the number of costs measured; where it returns true no further step is taken. Returns the
// number of steps.
template <class T, class Report>
std::size_t descend(Team& team, Trainer<T>& trainer, T rate, T decay, std::size_t iterations,
                    double* costs, double* accuracies, const Report& report) {
    Pulse pulse;
    const Rule<T> rule{Rule<T>::descent, rate, 0, 0, 0, decay};
    const std::size_t m = trainer.samples().rows->count;
    for (std::size_t step = 0; step < iterations; ++step) {
        const Totals totals = trainer.pass(team, 0, m);
        costs[step] = totals.cost + trainer.penalty(team, rule);
        accuracies[step] = static_cast<double>(totals.correct) / static_cast<double>(m);
        if (pulse.due() || step + 1 == iterations) {
            const bool stop = pulse.take([&] { return report(step + 1); });
            team.after_foreign_code();
            if (stop) return step;
        }
        trainer.update(team, rule);
    }
    return iterations;
}

// With a team of its own.
template <class T, class Report>
std::size_t descend(Trainer<T>& trainer, T rate, T decay, std::size_t iterations,
                    double* costs, double* accuracies, const Report& report) {
    const double rows = static_cast<double>(trainer.samples().rows->count);
    Team team(trainer.workers(rows * static_cast<double>(iterations)));
    return descend(team, trainer, rate, decay, iterations, costs, accuracies, report);
}

// What an epoch is made of. `steps` counts those taken so far, for adam's correction.
template <class T> struct Epoch {
    Rule<T> rule;  // rate as the user gave it
    double alpha;  // decay times the rows of a batch, or their weights
    std::size_t batch, steps;
    const std::int64_t* order;
    std::size_t count;       // rows of the order
    const double* weights;   // of all rows; null: 1 each
    T* shares;               // room for all of the order, where there are weights
};

template <class T> Rule<T> rule_of_step(const Rule<T>& rule, std::size_t step) {
    if (rule.kind != Rule<T>::adam) return rule;
    Rule<T> corrected = rule;
    const double t = static_cast<double>(step);
    corrected.rate = static_cast<T>(
        static_cast<double>(rule.rate) *
        std::sqrt(1 - std::pow(static_cast<double>(rule.square_kept), t)) /
        (1 - std::pow(static_cast<double>(rule.momentum_kept), t)));
    return corrected;
}

// Sets what each sample from begin to end counts in the cost of its batch, where it has a weight;
// returns the sum of weights.
template <class T>
double share_out(Samples<T>& samples, const Epoch<T>& epoch, std::size_t begin, std::size_t end) {
    if (!epoch.weights) return static_cast<double>(end - begin);
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += epoch.weights[samples.row(i)];
    for (std::size_t i = begin; i < end; ++i) {
        const double weight = epoch.weights[samples.row(i)];
        epoch.shares[i] = sum > 0 ? static_cast<T>(weight / sum) : T(0);
    }
    samples.shares = epoch.shares;
    return sum;
}

// The next few batches: many of small ones, so that workers seldom wait for the next call.
template <class T>
std::vector<Batch<T>> stretch(Samples<T>& samples, const Epoch<T>& epoch, std::size_t done) {
    constexpr std::size_t rows = 4096, most = 32;
    std::vector<Batch<T>> batches;
    std::size_t begin = done * epoch.batch;
    const std::size_t enough = std::clamp<std::size_t>(rows / epoch.batch, 1, most);
    while (begin < epoch.count && batches.size() < enough) {
        const std::size_t end = std::min(epoch.count, begin + epoch.batch);
        const double sum = share_out(samples, epoch, begin, end);
        Rule<T> rule = rule_of_step(epoch.rule, epoch.steps + done + batches.size() + 1);
        if (sum > 0) rule.decay = static_cast<T>(epoch.alpha / sum);
        batches.push_back({begin, end, T(1) / static_cast<T>(end - begin), rule});
        begin = end;
    }
    return batches;
}

// One step a batch. costs and accuracies have room for all batches; report as in descend.
template <class T, class Report>
std::size_t run_epoch(Team& team, Stepper<T>& stepper, const Epoch<T>& epoch, double* costs,
                      double* accuracies, const Report& report) {
    Pulse pulse;
    Samples<T>& samples = stepper.samples();
    samples.order = epoch.order;
    samples.count = epoch.count;
    std::size_t done = 0;
    for (bool stop = false; !stop && done * epoch.batch < epoch.count;) {
        const std::vector<Batch<T>> batches = stretch(samples, epoch, done);
        std::vector<Totals> totals(batches.size());
        stepper.run(team, batches, totals.data());
        for (std::size_t i = 0; i < batches.size(); ++i, ++done) {
            const double rows = static_cast<double>(batches[i].end - batches[i].begin);
            costs[done] = totals[i].cost;
            accuracies[done] = static_cast<double>(totals[i].correct) / rows;
        }
        if (pulse.due() || batches.back().end == epoch.count) {
            stop = pulse.take([&] { return report(done); });
            team.after_foreign_code();
        }
    }
    return done;
}

// With a team of its own.
template <class T, class Report>
std::size_t run_epoch(Stepper<T>& stepper, const Epoch<T>& epoch, double* costs,
                      double* accuracies, const Report& report) {
    Team team(stepper.workers(static_cast<double>(epoch.count)));
    return run_epoch(team, stepper, epoch, costs, accuracies, report);
}

}  // namespace handgrad
