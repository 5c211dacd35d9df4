// A session: rows, targets and weights that are checked once, for any number of passes, descents and
// runs of batches over them.
//
// Each method reads one form of the rows, whatever was called before, so that no result depends on
// the history of a session: cost() and cost_and_gradient() the rows as they lie, descend() and
// batches() packed rows where zeros are skipped (native/README.md). descend() packs once.
#pragma once

#include <nanobind/stl/unique_ptr.h>

#include <limits>
#include <memory>

#include "bindings/held_rows.hpp"
#include "schedule/feature_shards.hpp"
#include "schedule/runs.hpp"
#include "schedule/weight_parts.hpp"

namespace handgrad {

template <class T> Layers<T> written(const Layout& layout, Trainer<T>& trainer, Part part) {
    Layers<T> out = new_layers<T>(layout);
    trainer.write(part, arrays_of<T>(out));
    return out;
}

// Calls a Python function with the steps taken and the parameters; true to stop. Ctrl-C and
// exceptions end the run.
template <class T>
auto reporter(const Layout& layout, Trainer<T>& trainer, const nb::object& report) {
    return [&](size_t steps) {
        const nb::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) throw nb::python_error();
        if (report.is_none()) return false;
        return nb::cast<bool>(report(steps, written(layout, trainer, Part::values)));
    };
}

template <class T> class Batches;

template <class T> class Session : public HeldRows<T> {
  public:
    using HeldRows<T>::count;

    Session(const std::string& instruction_set, size_t threads, const RowsHandle& rows,
        const std::optional<VectorIn<int32_t>>& labels, const std::optional<MatrixIn<T>>& values,
        const Objective& objective, const std::optional<VectorIn<double>>& weights, double total)
        : HeldRows<T>(instruction_set, rows, labels, values, objective, weights, total),
          threads_(threads) {}

    // The cost, and the share of rows predicted right.
    std::pair<double, double> cost(const NetworkIn<T>& network) const {
        const Layout layout = layout_of(network);
        const nb::gil_scoped_release release;
        const ParameterStore<T> store(layout, network.arrays());
        const Evaluation<T> evaluation(kernels_, store, samples_);
        ThreadPool pool(evaluation.workers(threads_));
        const Metrics metrics = evaluation.cost(pool, decay());
        return {metrics.cost, accuracy(metrics)};
    }

    // The same, and the gradient.
    std::tuple<double, double, Layers<T>> cost_and_gradient(const NetworkIn<T>& network) const {
        const Layout layout = layout_of(network);
        Layers<T> out = new_layers<T>(layout);
        const nb::gil_scoped_release release;
        RowSliceTrainer<T> trainer(
            kernels_, layout, network.arrays(), samples_, count(), threads_, /*sparse=*/false);
        ThreadPool pool(trainer.workers(static_cast<double>(count())));
        Metrics metrics = trainer.pass(pool, 0, count());
        metrics.cost += trainer.penalty(pool, decay());
        trainer.write_gradient(pool, decay(), arrays_of<T>(out));
        return {metrics.cost, accuracy(metrics), std::move(out)};
    }

    // Full-batch steps, as many as costs and accuracies have room for. Returns how many were
    // taken, and the last network.
    std::tuple<size_t, Layers<T>> descend(const NetworkIn<T>& network, double learning_rate,
        const VectorOut<double>& costs, const VectorOut<double>& accuracies,
        const nb::object& report) {
        const Layout layout = layout_of(network);
        Layers<T> out = new_layers<T>(layout);
        const std::shared_ptr<const PackedRows<T>> packed = pack();
        const nb::gil_scoped_release release;
        Samples<T> samples = samples_;
        if (packed) samples.rows = &packed->rows();
        RowSliceTrainer<T> trainer(
            kernels_, layout, network.arrays(), samples, count(), threads_, /*sparse=*/false);
        const size_t iterations = std::min(costs.size(), accuracies.size());
        ThreadPool pool(
            trainer.workers(static_cast<double>(count()) * static_cast<double>(iterations)));
        const size_t steps =
            handgrad::descend(pool, trainer, static_cast<T>(learning_rate), decay(), iterations,
                {costs.data(), accuracies.data()}, reporter<T>(layout, trainer, report));
        trainer.write(Part::values, arrays_of<T>(out));
        return {steps, std::move(out)};
    }

    std::unique_ptr<Batches<T>> batches(
        const NetworkIn<T>& network, const Rule<double>& rule, size_t batch_size) const {
        return std::make_unique<Batches<T>>(*this, network, rule, batch_size);
    }

  private:
    friend class Batches<T>;
    using HeldRows<T>::kernels_, HeldRows<T>::rows_, HeldRows<T>::samples_, HeldRows<T>::objective_,
        HeldRows<T>::weights_, HeldRows<T>::layout_of, HeldRows<T>::decay, HeldRows<T>::accuracy;

    // The rows packed for full batches, where zeros are skipped. Two threads may both come here
    // before anything is packed; then what one of them packs is not kept.
    std::shared_ptr<const PackedRows<T>> pack() {
        if (packed_ || !samples_.skip_zeros) return packed_;
        std::shared_ptr<const PackedRows<T>> packed;
        {
            const nb::gil_scoped_release release;
            ThreadPool pool(workers_for(work_of_reading(rows_.rows), threads_));
            packed = std::make_shared<const PackedRows<T>>(kernels_, rows_.rows, pool, true);
        }
        if (!packed_) packed_ = std::move(packed);
        return packed_;
    }

    size_t threads_;
    std::shared_ptr<const PackedRows<T>> packed_;
};

// An epoch is asked for, or its results, while another one computes.
struct InsideEpoch : std::logic_error {
    InsideEpoch() : std::logic_error("the run is inside an epoch") {}
};

// Epochs of batches over a session's rows, with the moments kept from one to the next. One epoch at
// a time: a state that only the holder of the GIL changes keeps other threads out, except while
// on_progress runs, when nothing is computed.
template <class T> class Batches {
  public:
    Batches(const Session<T>& session, const NetworkIn<T>& network, const Rule<double>& rule,
        size_t batch_size)
        : session_(session), layout_(session.layout_of(network)),
          rule_{static_cast<typename Rule<T>::Kind>(rule.kind), static_cast<T>(rule.rate),
              static_cast<T>(rule.momentum_kept), static_cast<T>(rule.square_kept),
              // Must stay above 0 in T: padding has no gradient, and 0 / 0 would be NaN.
              std::max(static_cast<T>(rule.epsilon), std::numeric_limits<T>::denorm_min())},
          batch_size_(std::clamp<size_t>(batch_size, 1, std::max<size_t>(session.count(), 1))) {
        const Kernels<T>& kernels = session.kernels_;
        Samples<T> samples = session.samples_;
        samples.shares = nullptr;  // those of a batch are set with it
        const nb::gil_scoped_release release;
        if (worth_parts(samples, layout_, batch_size_)) {
            trainer_ = std::make_unique<WeightPartTrainer<T>>(
                kernels, layout_, network.arrays(), samples, batch_size_, session.threads_);
            return;
        }
        if (worth_sharding(samples, batch_size_)) {
            trainer_ = std::make_unique<FeatureShardTrainer<T>>(
                kernels, layout_, network.arrays(), samples, batch_size_, session.threads_);
            return;
        }
        if (samples.skip_zeros) {
            ThreadPool pool(workers_for(work_of_reading(*samples.rows), session.threads_));
            packed_ = std::make_unique<PackedRows<T>>(kernels, *samples.rows, pool, false);
            samples.rows = &packed_->rows();
        }
        trainer_ = std::make_unique<RowSliceTrainer<T>>(kernels, layout_, network.arrays(), samples,
            batch_size_, session.threads_,
            /*sparse=*/true);
    }

    // Takes one step per batch of the order's rows, with a learning rate instead of the rule's if
    // one is given; returns how many were taken.
    size_t epoch(const VectorIn<int64_t>& given_order, std::optional<double> learning_rate,
        const VectorOut<double>& costs, const VectorOut<double>& accuracies,
        const nb::object& report) {
        if (now_ != Now::idle) throw InsideEpoch();
        const Enter computing(now_, Now::computing);
        const size_t count = given_order.size();
        const size_t batches = (count + batch_size_ - 1) / batch_size_;
        if (costs.size() < batches || accuracies.size() < batches)
            throw std::invalid_argument("costs and accuracies need room for every batch");
        const Buffer<int64_t> order = copy_of<int64_t>(given_order);
        for (size_t i = 0; i < count; ++i)
            if (order[i] < 0 || static_cast<size_t>(order[i]) >= session_.count())
                throw std::invalid_argument("the order names a row that is not there");
        const double* const weights = session_.weights_.data();
        const Buffer<T> shares(weights ? count : 0);
        Epoch<T> epoch{rule_, session_.objective_.alpha, batch_size_, steps_, order.data(), count,
            weights, shares.data()};
        if (learning_rate) epoch.rule.rate = static_cast<T>(*learning_rate);
        const auto report_steps = reporter<T>(layout_, *trainer_, report);
        const nb::gil_scoped_release release;
        ThreadPool pool(trainer_->workers(static_cast<double>(count)));
        return run_epoch(
            pool, *trainer_, epoch, {costs.data(), accuracies.data()}, [&](size_t done) {
                const nb::gil_scoped_acquire acquire;
                steps_ = epoch.steps + done;
                const Enter in_callback(now_, Now::in_callback);
                return report_steps(done);
            });
    }

    // The layers of the network after the steps so far.
    Layers<T> parameters() const { return layers_of(Part::values); }

    // The steps taken, and the rule's moments.
    auto moments() const {
        return std::tuple(steps_, layers_of(Part::first_moments), layers_of(Part::second_moments));
    }

    void restore(size_t steps, const NetworkIn<T>& first, const NetworkIn<T>& second) {
        if (now_ != Now::idle) throw InsideEpoch();
        for (const NetworkIn<T>* moments : {&first, &second})
            if (!moments->fits(layout_))
                throw std::invalid_argument("moments and parameters do not fit each other");
        trainer_->read(Part::first_moments, first.arrays());
        trainer_->read(Part::second_moments, second.arrays());
        steps_ = steps;
    }

  private:
    enum class Now : uint8_t { idle, computing, in_callback };
    struct Enter {  // sets the state until the end of a scope
        Now& now;
        Now before = now;
        Enter(Now& now, Now during) : now(now) { now = during; }
        ~Enter() { now = before; }
    };

    Layers<T> layers_of(Part part) const {
        if (now_ == Now::computing) throw InsideEpoch();
        return written(layout_, *trainer_, part);
    }

    const Session<T>& session_;  // which Python keeps alive as long as this
    const Layout layout_;
    const Rule<T> rule_;
    size_t batch_size_, steps_ = 0;
    Now now_ = Now::idle;
    std::unique_ptr<PackedRows<T>> packed_;
    std::unique_ptr<Trainer<T>> trainer_;
};

}  // namespace handgrad
