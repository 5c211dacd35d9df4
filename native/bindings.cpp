// The module handgrad.engines._native.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "arrays.hpp"
#include "predictor.hpp"
#include "runs.hpp"
#include "shards.hpp"

using namespace nb::literals;

namespace handgrad {
namespace {

// C1, the share of rows predicted right, and B2 to B7.
template <class T> nb::tuple measure(
    const std::string& instruction_set, std::size_t threads, MatrixIn<T> W1, MatrixIn<T> b1,
    MatrixIn<T> W2, MatrixIn<T> b2, const RowsHandle& rows, VectorIn<std::int32_t> labels,
    std::optional<VectorIn<T>> shares) {
    const Kernels<T>& kernels = kernels_of<T>(variant_named(instruction_set));
    const NetworkIn<T> network{W1, b1, W2, b2};
    const Layout layout = network.layout(kernels);
    Totals totals;
    std::unique_ptr<NetworkOut<T>> out;
    {
        const nb::gil_scoped_release release;
        const Buffer<std::int32_t> classes = labels_of(labels, rows.rows.count, layout.K);
        const Samples<T> samples = samples_of(
            kernels, rows.rows, layout, classes.data(), shares ? shares->data() : nullptr,
            shares ? shares->size() : 0);
        Trainer<T> trainer(
            kernels, layout, network.arrays(), samples, most_in_row(rows.rows), rows.rows.count,
            threads, /*track=*/false);
        Team team(trainer.workers(static_cast<double>(rows.rows.count)));
        totals = trainer.pass(team, 0, rows.rows.count);
        out = std::make_unique<NetworkOut<T>>(layout);
        trainer.write_gradient(team, out->arrays());
    }
    const double right =
        static_cast<double>(totals.correct) / static_cast<double>(rows.rows.count);
    return nb::make_tuple(totals.cost, right, out->release());
}

template <class T> Array<T> predict_proba(
    const std::string& instruction_set, std::size_t threads, MatrixIn<T> W1, MatrixIn<T> b1,
    MatrixIn<T> W2, MatrixIn<T> b2, const RowsHandle& handle) {
    const Kernels<T>& kernels = kernels_of<T>(variant_named(instruction_set));
    const NetworkIn<T> network{W1, b1, W2, b2};
    const Layout layout = network.layout(kernels);
    const Rows& rows = handle.rows;
    Loaned<T> out(rows.count, layout.K);
    {
        const nb::gil_scoped_release release;
        const Samples<T> samples = samples_of<T>(kernels, rows, layout);
        const ParameterStore<T> store(layout, network.arrays());
        constexpr std::size_t part = 512;  // rows of a task
        const std::size_t tasks = (rows.count + part - 1) / part;
        Team team(workers_for(
            work_of_passes(samples, layout, static_cast<double>(rows.count)),
            std::min(threads, tasks)));
        const Workspace<T> workspace(
            layout, samples, most_in_row(rows), std::min(rows.count, part),
            team.workers());
        team.each(tasks, [&](std::size_t task, std::size_t worker) {
            kernels.predict(
                store.view(), samples, task * part, std::min(rows.count, (task + 1) * part),
                workspace[worker], out.data.get());
        });
    }
    return out.release();
}

// The training rows of a run, packed where their zeros are skipped.
template <class T> struct RunRows {
    std::unique_ptr<Packed<T>> packed;
    Samples<T> samples;

    RunRows(const Kernels<T>& kernels, const Samples<T>& given, std::size_t threads,
            bool in_order)
        : samples(given) {
        if (!given.skip_zeros) return;
        Team team(workers_for(work_of_reading(*given.rows), threads));
        packed = std::make_unique<Packed<T>>(kernels, *given.rows, team, team.workers());
        if (in_order) packed->add_columns(team, team.workers());
        samples.rows = &packed->rows();
    }
};

// Calls a Python function with the steps taken and the parameters; true to stop. Ctrl-C and
// exceptions end the run.
template <class T>
auto reporter(const Layout& layout, const Stepper<T>& stepper, const nb::object& report) {
    return [&](std::size_t steps) {
        const nb::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) throw nb::python_error();
        if (report.is_none()) return false;
        NetworkOut<T> out(layout, stepper);
        return nb::cast<bool>(report(steps, out.release()));
    };
}

template <class T> nb::tuple descend_run(
    const std::string& instruction_set, std::size_t threads, MatrixIn<T> W1, MatrixIn<T> b1,
    MatrixIn<T> W2, MatrixIn<T> b2, const RowsHandle& rows, VectorIn<std::int32_t> labels,
    std::optional<VectorIn<T>> shares, double learning_rate, double decay, bool pinned,
    VectorOut<double> costs, VectorOut<double> accuracies, nb::object report) {
    const Kernels<T>& kernels = kernels_of<T>(variant_named(instruction_set));
    const NetworkIn<T> network{W1, b1, W2, b2};
    const Layout layout = network.layout(kernels);
    std::size_t steps;
    std::unique_ptr<NetworkOut<T>> out;
    {
        const nb::gil_scoped_release release;
        const Buffer<std::int32_t> classes = labels_of(labels, rows.rows.count, layout.K);
        const RunRows<T> run(
            kernels,
            samples_of(kernels, rows.rows, layout, classes.data(),
                       shares ? shares->data() : nullptr, shares ? shares->size() : 0),
            threads, /*in_order=*/true);
        Samples<T> samples = run.samples;
        samples.pinned = pinned;
        Trainer<T> trainer(
            kernels, layout, network.arrays(), samples, most_in_row(*samples.rows),
            rows.rows.count, threads, /*track=*/false);
        steps = descend(
            trainer, static_cast<T>(learning_rate), static_cast<T>(decay),
            std::min(costs.size(), accuracies.size()), costs.data(), accuracies.data(),
            reporter<T>(layout, trainer, report));
        out = std::make_unique<NetworkOut<T>>(layout, trainer);
    }
    return nb::make_tuple(steps, out->release());
}

// An epoch is asked for, or its results, while another one computes.
struct InsideEpoch : std::logic_error {
    InsideEpoch() : std::logic_error("the run is inside an epoch") {}
};

// Epochs of batches over the same rows, with the moments kept from one to the next. One epoch at a
// time: flags that only the holder of the GIL changes tell the others to keep away, except while
// on_progress runs, when nobody computes.
template <class T> class Batches {
  public:
    Batches(const std::string& instruction_set, std::size_t threads, MatrixIn<T> W1,
            MatrixIn<T> b1, MatrixIn<T> W2, MatrixIn<T> b2, const RowsHandle& rows,
            VectorIn<std::int32_t> labels, std::optional<VectorIn<double>> weights,
            std::size_t batch, double alpha, bool pinned)
        : kernels_(kernels_of<T>(variant_named(instruction_set))),
          layout_(NetworkIn<T>{W1, b1, W2, b2}.layout(kernels_)), rows_(rows),
          labels_(labels_of(labels, rows.rows.count, layout_.K)), weighted_(weights),
          batch_(std::clamp<std::size_t>(batch, 1, std::max<std::size_t>(rows.rows.count, 1))),
          alpha_(alpha) {
        const NetworkIn<T> network{W1, b1, W2, b2};
        Samples<T> samples = samples_of<T>(kernels_, rows_.rows, layout_, labels_.data());
        samples.pinned = pinned;
        if (weights && weights->size() != rows.rows.count)
            throw std::invalid_argument("rows and weights do not fit each other");
        if (weights) weights_ = copy_of(*weights);
        const nb::gil_scoped_release release;
        if (worth_sharding(samples, batch_)) {
            stepper_ = std::make_unique<ShardedTrainer<T>>(
                kernels_, layout_, network.arrays(), samples, batch_, threads);
        } else {
            run_ = std::make_unique<RunRows<T>>(kernels_, samples, threads, /*in_order=*/false);
            stepper_ = std::make_unique<Trainer<T>>(
                kernels_, layout_, network.arrays(), run_->samples,
                most_in_row(*run_->samples.rows), batch_, threads, /*track=*/true);
        }
    }

    std::size_t epoch(const std::string& kind, double rate, double momentum, double square,
                      double epsilon, VectorIn<std::int64_t> given_order, VectorOut<double> costs,
                      VectorOut<double> accuracies, nb::object report) {
        const Turn turn(*this);
        const std::size_t count = given_order.size(), batches = (count + batch_ - 1) / batch_;
        if (costs.size() < batches || accuracies.size() < batches)
            throw std::invalid_argument("costs and accuracies need room for every batch");
        const Buffer<std::int64_t> order = copy_of(given_order);
        for (std::size_t i = 0; i < count; ++i)
            if (order[i] < 0 || static_cast<std::size_t>(order[i]) >= rows_.rows.count)
                throw std::invalid_argument("the order names a row that is not there");
        const Buffer<T> shares(weighted_ ? count : 0);
        Rule<T> rule{};
        rule.kind = kind == "adam"       ? Rule<T>::adam
                    : kind == "nesterov" ? Rule<T>::nesterov
                    : kind == "momentum" ? Rule<T>::momentum
                                         : Rule<T>::descent;
        rule.rate = static_cast<T>(rate);
        rule.momentum_kept = static_cast<T>(momentum);
        rule.square_kept = static_cast<T>(square);
        rule.epsilon = static_cast<T>(epsilon);
        const Epoch<T> epoch{rule,         alpha_,
                             batch_,       steps_,
                             order.data(), count,
                             weighted_ ? weights_.data() : nullptr, shares.data()};
        const auto report_steps = reporter<T>(layout_, *stepper_, report);
        const nb::gil_scoped_release release;
        return run_epoch(
            *stepper_, epoch, costs.data(), accuracies.data(), [&](std::size_t done) {
                const nb::gil_scoped_acquire acquire;
                steps_ = epoch.steps + done;
                const Pause pause(*this);
                return report_steps(done);
            });
    }

    // The steps taken, and the rule's moments.
    nb::tuple moments() const {
        check_readable();
        NetworkOut<T> first(layout_), second(layout_);
        stepper_->write_moments(first.arrays(), second.arrays());
        return nb::make_tuple(steps_, first.release(), second.release());
    }

    void restore(std::size_t steps, MatrixIn<T> W1, MatrixIn<T> b1, MatrixIn<T> W2,
                 MatrixIn<T> b2, MatrixIn<T> W1_second, MatrixIn<T> b1_second,
                 MatrixIn<T> W2_second, MatrixIn<T> b2_second) {
        if (inside_) throw InsideEpoch();
        const NetworkIn<T> first{W1, b1, W2, b2};
        const NetworkIn<T> second{W1_second, b1_second, W2_second, b2_second};
        for (const NetworkIn<T>* moments : {&first, &second}) {
            const Layout found = moments->layout(kernels_);
            if (found.D != layout_.D || found.H != layout_.H || found.K != layout_.K)
                throw std::invalid_argument("moments and parameters do not fit each other");
        }
        stepper_->read_moments(first.arrays(), second.arrays());
        steps_ = steps;
    }

    nb::tuple parameters() const {
        check_readable();
        NetworkOut<T> out(layout_, *stepper_);
        return out.release();
    }

  private:
    struct Turn {  // an epoch
        Batches& run;
        explicit Turn(Batches& run) : run(run) {
            if (run.inside_) throw InsideEpoch();
            run.inside_ = true;
        }
        ~Turn() { run.inside_ = false; }
    };
    struct Pause {  // of an epoch that waits for on_progress
        Batches& run;
        explicit Pause(Batches& run) : run(run) { run.paused_ = true; }
        ~Pause() { run.paused_ = false; }
    };

    void check_readable() const {
        if (inside_ && !paused_) throw InsideEpoch();
    }

    const Kernels<T>& kernels_;
    const Layout layout_;
    RowsHandle rows_;
    Buffer<std::int32_t> labels_;
    bool weighted_, inside_ = false, paused_ = false;
    Buffer<double> weights_;
    std::size_t batch_, steps_ = 0;
    double alpha_;
    std::unique_ptr<RunRows<T>> run_;
    std::unique_ptr<Stepper<T>> stepper_;
};

bool within(const RowsHandle& handle, double least, double most, std::size_t threads) {
    const nb::gil_scoped_release release;
    const Kernels<float>& kernels = *variants[0].single;
    const Rows& rows = handle.rows;
    constexpr std::size_t part = 1024;
    const std::size_t tasks = rows.type == Number::byte ? 0 : (rows.count + part - 1) / part;
    std::atomic<bool> all{true};
    Team team(workers_for(work_of_reading(rows), std::min(threads, tasks)));
    team.each(tasks, [&](std::size_t task, std::size_t) {
        const std::size_t end = std::min(rows.count, (task + 1) * part);
        if (!kernels.within(rows, task * part, end, least, most))
            all.store(false, std::memory_order_relaxed);
    });
    return all;
}

template <class X> void bind_rows(nb::module_& m) {
    m.def("dense_rows", &dense_rows<X>, "values"_a.noconvert(), "scale"_a);
    m.def("sparse_rows", &sparse_rows<X, std::int32_t>, "indptr"_a, "indices"_a.noconvert(),
          "values"_a.noconvert(), "count"_a, "features"_a, "scale"_a);
    m.def("sparse_rows", &sparse_rows<X, std::int64_t>, "indptr"_a, "indices"_a.noconvert(),
          "values"_a.noconvert(), "count"_a, "features"_a, "scale"_a);
}

template <class T> void bind_engine(nb::module_& m, const char* batches, const char* predictor) {
    m.def("measure", &measure<T>, "instruction_set"_a, "threads"_a, "W1"_a.noconvert(),
          "b1"_a.noconvert(), "W2"_a.noconvert(), "b2"_a.noconvert(), "rows"_a, "labels"_a,
          "shares"_a.none());
    m.def("predict_proba", &predict_proba<T>, "instruction_set"_a, "threads"_a,
          "W1"_a.noconvert(), "b1"_a.noconvert(), "W2"_a.noconvert(), "b2"_a.noconvert(),
          "rows"_a);
    m.def("descend", &descend_run<T>, "instruction_set"_a, "threads"_a, "W1"_a.noconvert(),
          "b1"_a.noconvert(), "W2"_a.noconvert(), "b2"_a.noconvert(), "rows"_a, "labels"_a,
          "shares"_a.none(), "learning_rate"_a, "decay"_a, "pinned"_a, "costs"_a.noconvert(),
          "accuracies"_a.noconvert(), "report"_a.none());
    nb::class_<Batches<T>>(m, batches)
        .def(nb::init<const std::string&, std::size_t, MatrixIn<T>, MatrixIn<T>, MatrixIn<T>,
                      MatrixIn<T>, const RowsHandle&, VectorIn<std::int32_t>,
                      std::optional<VectorIn<double>>, std::size_t, double, bool>(),
             "instruction_set"_a, "threads"_a, "W1"_a.noconvert(), "b1"_a.noconvert(),
             "W2"_a.noconvert(), "b2"_a.noconvert(), "rows"_a, "labels"_a, "weights"_a.none(),
             "batch"_a, "alpha"_a, "pinned"_a)
        .def("epoch", &Batches<T>::epoch, "kind"_a, "rate"_a, "momentum"_a, "square"_a,
             "epsilon"_a, "order"_a, "costs"_a.noconvert(), "accuracies"_a.noconvert(),
             "report"_a.none())
        .def("parameters", &Batches<T>::parameters)
        .def("moments", &Batches<T>::moments)
        .def("restore", &Batches<T>::restore);
    nb::class_<Predictor<T>>(m, predictor)
        .def(nb::init<const std::string&, MatrixIn<T>, MatrixIn<T>, MatrixIn<T>, MatrixIn<T>,
                      double, double, double>(),
             "instruction_set"_a, "W1"_a.noconvert(), "b1"_a.noconvert(), "W2"_a.noconvert(),
             "b2"_a.noconvert(), "scale"_a, "least"_a, "most"_a)
        .def("probabilities", &Predictor<T>::probabilities, "x"_a)
        .def("label", &Predictor<T>::label, "x"_a);
}

}  // namespace

NB_MODULE(_native, m) {
    m.doc() = "The C++ core: see native/ in the source.";
    m.def("instruction_sets", [] {
        std::vector<std::string> names;
        for (const Variant& variant : variants)
            if (variant.supported()) names.emplace_back(variant.name);
        return names;
    });
    // Errors of the core's own, which a callback does not raise.
    nb::exception<std::bad_alloc>(m, "OutOfMemoryError", PyExc_MemoryError);
    nb::exception<std::invalid_argument>(m, "RefusedError", PyExc_ValueError);
    nb::exception<InsideEpoch>(m, "InsideEpochError", PyExc_RuntimeError);
    nb::class_<RowsHandle>(m, "Rows");
    m.def("within", &within, "rows"_a, "least"_a, "most"_a, "threads"_a);
    bind_rows<std::uint8_t>(m);
    bind_rows<float>(m);
    bind_rows<double>(m);
    bind_engine<float>(m, "Batches32", "Predictor32");
    bind_engine<double>(m, "Batches64", "Predictor64");
}

}  // namespace handgrad
