// The module handgrad.engines._native: NumPy arrays in, NumPy arrays out. The caller has checked
// shapes, labels and finiteness; sizes and CSR indices are checked here once more, for memory.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "prepared.hpp"
#include "runs.hpp"
#include "shards.hpp"
#include "variants.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace handgrad {
namespace {

template <class T> using MatrixIn = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T> using VectorIn = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T> using VectorOut = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T> using Array = nb::ndarray<nb::numpy, T>;

template <class T> struct Loaned {  // an array that is handed over to Python
    std::unique_ptr<T[]> data;
    std::size_t rows, columns;

    Loaned(std::size_t rows, std::size_t columns)
        : data(new T[product(rows, columns)]), rows(rows), columns(columns) {}
    Array<T> release() {
        T* raw = data.release();
        const nb::capsule owner(raw, [](void* p) noexcept { delete[] static_cast<T*>(p); });
        return Array<T>(raw, {rows, columns}, owner);
    }
};

// The rows of a call, and what keeps their memory alive.
struct RowsHandle {
    Rows rows;
    std::vector<nb::object> owners;
};

template <class X> constexpr Number number_type() {
    return sizeof(X) == 1 ? Number::pixel : sizeof(X) == 4 ? Number::single : Number::twofold;
}

template <class X> RowsHandle dense_rows(
    nb::ndarray<const X, nb::ndim<2>, nb::device::cpu> values) {
    if (values.size() > 0 && values.shape(1) > 1 && values.stride(1) != 1)
        throw std::invalid_argument("the numbers of a row are not contiguous");
    if (values.shape(0) > 1 && values.stride(0) < 0)
        throw std::invalid_argument("the rows run backwards");
    RowsHandle handle;
    handle.rows.count = values.shape(0);
    handle.rows.features = values.shape(1);
    handle.rows.values = values.data();
    handle.rows.type = number_type<X>();
    handle.rows.stride = values.shape(0) > 1 ? static_cast<std::size_t>(values.stride(0)) : 0;
    handle.owners = {nb::cast(values)};
    return handle;
}

template <class X> RowsHandle sparse_rows(
    VectorIn<std::int64_t> starts, VectorIn<std::int32_t> indices, VectorIn<X> values,
    std::size_t features) {
    const std::int64_t most = static_cast<std::int64_t>(std::min(indices.size(), values.size()));
    if (starts.size() == 0 || starts(0) < 0 || starts(starts.size() - 1) > most)
        throw std::invalid_argument("its indptr points outside its indices");
    for (std::size_t row = 0; row + 1 < starts.size(); ++row)
        if (starts(row + 1) < starts(row)) throw std::invalid_argument("its indptr decreases");
    for (std::int64_t i = starts(0); i < starts(starts.size() - 1); ++i)
        if (indices.data()[i] < 0 || static_cast<std::size_t>(indices.data()[i]) >= features)
            throw std::invalid_argument("it has a column index outside its columns");
    RowsHandle handle;
    handle.rows.count = starts.size() - 1;
    handle.rows.features = features;
    handle.rows.values = values.data();
    handle.rows.type = number_type<X>();
    handle.rows.starts = starts.data();
    handle.rows.indices = indices.data();
    handle.owners = {nb::cast(starts), nb::cast(indices), nb::cast(values)};
    return handle;
}

const Variant& variant_named(const std::string& name) {
    for (const Variant& variant : variants)
        if (name == variant.name && variant.supported()) return variant;
    throw std::invalid_argument("no such instruction set here: " + name);
}

template <class T> const Kernels<T>& kernels_of(const Variant& variant) {
    if constexpr (sizeof(T) == 4)
        return *variant.single;
    else
        return *variant.twofold;
}

// The parameters of a network as they came in.
template <class T> struct NetworkIn {
    MatrixIn<T> W1, b1, W2, b2;

    Arrays<const T> arrays() const { return {W1.data(), b1.data(), W2.data(), b2.data()}; }
    Layout layout(const Kernels<T>& kernels) const {
        const std::size_t D = W1.shape(1), H = W1.shape(0), K = W2.shape(0);
        if (b1.size() != H || W2.shape(1) != H || b2.size() != K || D == 0 || H == 0 || K == 0)
            throw std::invalid_argument("the parameters do not fit each other");
        product(product(D + K + 64, H + 64) + K + 64, 8 * sizeof(T));  // throws where too large
        return Layout(D, H, K, kernels.lanes, kernels.vectors);
    }
};

template <class T> struct NetworkOut {
    Loaned<T> W1, b1, W2, b2;

    explicit NetworkOut(const Layout& l)
        : W1(l.H, l.D), b1(l.H, 1), W2(l.K, l.H), b2(l.K, 1) {}
    NetworkOut(const Layout& layout, const Stepper<T>& stepper) : NetworkOut(layout) {
        stepper.write(arrays());
    }
    Arrays<T> arrays() const {
        return {W1.data.get(), b1.data.get(), W2.data.get(), b2.data.get()};
    }
    nb::tuple release() {
        return nb::make_tuple(W1.release(), b1.release(), W2.release(), b2.release());
    }
};

template <class T> Samples<T> samples_of(
    const Kernels<T>& kernels, const Rows& rows, const Layout& layout, const std::int32_t* labels,
    std::size_t label_count, const T* shares, std::size_t share_count) {
    if (rows.features != layout.D || (labels && label_count != rows.count) ||
        (shares && share_count != rows.count))
        throw std::invalid_argument("rows, labels and network do not fit each other");
    if (labels)
        for (std::size_t i = 0; i < label_count; ++i)
            if (labels[i] < 0 || static_cast<std::size_t>(labels[i]) >= layout.K)
                throw std::invalid_argument("a label is no class of the network");
    Samples<T> samples{&rows, labels};
    samples.shares = shares;
    samples.share = T(1) / static_cast<T>(std::max<std::size_t>(rows.count, 1));
    samples.skip_zeros = !rows.sparse() && density(kernels, rows) < sparse_below;
    return samples;
}

template <class T> nb::tuple cost_and_gradient(
    const std::string& instruction_set, std::size_t threads, MatrixIn<T> W1, MatrixIn<T> b1,
    MatrixIn<T> W2, MatrixIn<T> b2, const RowsHandle& rows, VectorIn<std::int32_t> labels,
    std::optional<VectorIn<T>> shares) {
    const Kernels<T>& kernels = kernels_of<T>(variant_named(instruction_set));
    const NetworkIn<T> network{W1, b1, W2, b2};
    const Layout layout = network.layout(kernels);
    double cost;
    std::unique_ptr<NetworkOut<T>> out;
    {
        const nb::gil_scoped_release release;
        const Samples<T> samples = samples_of(
            kernels, rows.rows, layout, labels.data(), labels.size(),
            shares ? shares->data() : nullptr, shares ? shares->size() : 0);
        Trainer<T> trainer(
            kernels, layout, network.arrays(), samples, most_in_row(rows.rows), rows.rows.count,
            threads, /*track=*/false);
        Team team(trainer.workers());
        cost = trainer.pass(team, 0, rows.rows.count).cost;
        out = std::make_unique<NetworkOut<T>>(layout);
        trainer.write_gradient(team, out->arrays());
    }
    return nb::make_tuple(cost, out->release());
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
        const Samples<T> samples = samples_of<T>(kernels, rows, layout, nullptr, 0, nullptr, 0);
        const ParameterStore<T> store(layout, network.arrays());
        constexpr std::size_t part = 512;  // rows of a task
        const std::size_t tasks = (rows.count + part - 1) / part;
        Team team(std::min(threads, tasks));
        const Workspace<T> workspace(
            layout, samples, most_in_row(rows), std::min(rows.count, part),
            std::max<std::size_t>(std::min(threads, tasks), 1));
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
        Team team(threads);
        packed = std::make_unique<Packed<T>>(
            kernels, *given.rows, Packing::small, team, threads);
        if (in_order) packed->add_columns(team, threads);
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
    std::optional<VectorIn<T>> shares, double learning_rate, VectorOut<double> costs,
    VectorOut<double> accuracies, nb::object report) {
    const Kernels<T>& kernels = kernels_of<T>(variant_named(instruction_set));
    const NetworkIn<T> network{W1, b1, W2, b2};
    const Layout layout = network.layout(kernels);
    std::size_t steps;
    std::unique_ptr<NetworkOut<T>> out;
    {
        const nb::gil_scoped_release release;
        const RunRows<T> run(
            kernels,
            samples_of(kernels, rows.rows, layout, labels.data(), labels.size(),
                       shares ? shares->data() : nullptr, shares ? shares->size() : 0),
            threads, /*in_order=*/true);
        Trainer<T> trainer(
            kernels, layout, network.arrays(), run.samples, most_in_row(*run.samples.rows),
            rows.rows.count, threads, /*track=*/false);
        steps = descend(
            trainer, static_cast<T>(learning_rate), std::min(costs.size(), accuracies.size()),
            costs.data(), accuracies.data(), reporter<T>(layout, trainer, report));
        out = std::make_unique<NetworkOut<T>>(layout, trainer);
    }
    return nb::make_tuple(steps, out->release());
}

// Epochs of batches over the same rows, with the moments kept from one to the next.
template <class T> class Batches {
  public:
    Batches(const std::string& instruction_set, std::size_t threads, MatrixIn<T> W1,
            MatrixIn<T> b1, MatrixIn<T> W2, MatrixIn<T> b2, const RowsHandle& rows,
            VectorIn<std::int32_t> labels, std::optional<VectorIn<double>> weights,
            std::size_t batch)
        : kernels_(kernels_of<T>(variant_named(instruction_set))),
          layout_(NetworkIn<T>{W1, b1, W2, b2}.layout(kernels_)), rows_(rows), labels_(labels),
          weights_(weights), batch_(std::clamp<std::size_t>(batch, 1, rows.rows.count)),
          shares_(weights ? rows.rows.count : 0) {
        const NetworkIn<T> network{W1, b1, W2, b2};
        const Samples<T> samples = samples_of<T>(
            kernels_, rows_.rows, layout_, labels_.data(), labels_.size(), nullptr, 0);
        if (weights && weights->size() != rows.rows.count)
            throw std::invalid_argument("rows and weights do not fit each other");
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
                      double epsilon, VectorIn<std::int64_t> order, VectorOut<double> costs,
                      VectorOut<double> accuracies, nb::object report) {
        const std::size_t batches = (order.size() + batch_ - 1) / batch_;
        if (costs.size() < batches || accuracies.size() < batches)
            throw std::invalid_argument("costs and accuracies need room for every batch");
        for (std::size_t i = 0; i < order.size(); ++i)
            if (order(i) < 0 || static_cast<std::size_t>(order(i)) >= rows_.rows.count)
                throw std::invalid_argument("the order names a row that is not there");
        Rule<T> rule{};
        rule.kind = kind == "adam"       ? Rule<T>::adam
                    : kind == "nesterov" ? Rule<T>::nesterov
                    : kind == "momentum" ? Rule<T>::momentum
                                         : Rule<T>::descent;
        rule.rate = static_cast<T>(rate);
        rule.momentum_kept = static_cast<T>(momentum);
        rule.square_kept = static_cast<T>(square);
        rule.epsilon = static_cast<T>(epsilon);
        const Epoch<T> epoch{rule,         batch_,
                             steps_,       order.data(),
                             order.size(), weights_ ? weights_->data() : nullptr,
                             shares_.data()};
        const nb::gil_scoped_release release;
        const std::size_t done = run_epoch(
            *stepper_, epoch, costs.data(), accuracies.data(),
            reporter<T>(layout_, *stepper_, report));
        steps_ += done;
        return done;
    }

    nb::tuple parameters() const {
        NetworkOut<T> out(layout_, *stepper_);
        return out.release();
    }

  private:
    const Kernels<T>& kernels_;
    const Layout layout_;
    RowsHandle rows_;
    VectorIn<std::int32_t> labels_;
    std::optional<VectorIn<double>> weights_;
    std::size_t batch_, steps_ = 0;
    Buffer<T> shares_;
    std::unique_ptr<RunRows<T>> run_;
    std::unique_ptr<Stepper<T>> stepper_;
};

// A vector of numbers in place, by Python's buffer protocol: half the cost of an nb::ndarray.
class SampleIn {
  public:
    explicit SampleIn(nb::handle x) {
        if (PyObject_GetBuffer(x.ptr(), &view_, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS) != 0)
            throw nb::python_error();
        const char format = view_.format && std::strlen(view_.format) == 1 ? *view_.format : 0;
        const auto address = reinterpret_cast<std::uintptr_t>(view_.buf);
        const bool known = view_.ndim == 1 && (format == 'B' || format == 'f' || format == 'd');
        if (!known || address % static_cast<std::uintptr_t>(view_.itemsize) != 0) {
            PyBuffer_Release(&view_);
            throw nb::type_error("the sample is no vector of bytes or numbers");
        }
        type_ = format == 'B' ? Number::pixel : format == 'f' ? Number::single : Number::twofold;
    }
    ~SampleIn() { PyBuffer_Release(&view_); }
    SampleIn(const SampleIn&) = delete;
    SampleIn& operator=(const SampleIn&) = delete;

    const void* data() const { return view_.buf; }
    std::size_t size() const { return static_cast<std::size_t>(view_.len / view_.itemsize); }
    Number type() const { return type_; }

  private:
    Py_buffer view_;
    Number type_;
};

// One sample at a time, with the parameters laid out once.
template <class T> class Predictor {
  public:
    // Refuses samples with numbers that are not from least to most.
    Predictor(const std::string& instruction_set, MatrixIn<T> W1, MatrixIn<T> b1, MatrixIn<T> W2,
              MatrixIn<T> b2, double least, double most)
        : kernels_(kernels_of<T>(variant_named(instruction_set))),
          layout_(NetworkIn<T>{W1, b1, W2, b2}.layout(kernels_)),
          store_(layout_, {W1.data(), b1.data(), W2.data(), b2.data()}),
          workspace_(layout_, samples(rows_), layout_.D, 1, 1),
          probabilities_(layout_.K), least_(least), most_(most) {}

    Array<T> probabilities(nb::handle x) {
        Loaned<T> out(1, layout_.K);
        run(x, out.data.get());
        T* raw = out.data.release();
        const nb::capsule owner(raw, [](void* p) noexcept { delete[] static_cast<T*>(p); });
        return Array<T>(raw, {layout_.K}, owner);
    }

    std::size_t label(nb::handle x) {
        run(x, probabilities_.data());
        const T* p = probabilities_.data();
        return static_cast<std::size_t>(std::max_element(p, p + layout_.K) - p);
    }

  private:
    // The sparse product is the faster one of a row alone: it has several sums under way.
    static Samples<T> samples(const Rows& rows) {
        Samples<T> samples{&rows, nullptr};
        samples.skip_zeros = true;
        return samples;
    }

    void run(nb::handle x, T* probabilities) {
        const SampleIn sample(x);
        if (sample.size() != layout_.D) throw nb::value_error("the sample does not fit the network");
        Rows rows;
        rows.count = 1;
        rows.features = rows.stride = layout_.D;
        rows.values = sample.data();
        rows.type = sample.type();
        if (!kernels_.within(rows, 0, 1, least_, most_))
            throw nb::value_error("the sample holds a number out of range");
        kernels_.predict(store_.view(), samples(rows), 0, 1, workspace_[0], probabilities);
    }

    const Kernels<T>& kernels_;
    const Layout layout_;
    const Rows rows_;
    ParameterStore<T> store_;
    Workspace<T> workspace_;
    Buffer<T> probabilities_;
    double least_, most_;
};

bool within(const RowsHandle& handle, double least, double most, std::size_t threads) {
    const nb::gil_scoped_release release;
    const Kernels<float>& kernels = *variants[0].single;
    const Rows& rows = handle.rows;
    constexpr std::size_t part = 1024;
    const std::size_t tasks = rows.type == Number::pixel ? 0 : (rows.count + part - 1) / part;
    std::atomic<bool> all{true};
    Team team(std::min(threads, tasks));
    team.each(tasks, [&](std::size_t task, std::size_t) {
        const std::size_t end = std::min(rows.count, (task + 1) * part);
        if (!kernels.within(rows, task * part, end, least, most))
            all.store(false, std::memory_order_relaxed);
    });
    return all;
}

template <class X> void bind_rows(nb::module_& m) {
    m.def("dense_rows", &dense_rows<X>, "values"_a.noconvert());
    m.def("sparse_rows", &sparse_rows<X>, "starts"_a, "indices"_a, "values"_a.noconvert(),
          "features"_a);
}

template <class T> void bind_engine(nb::module_& m, const char* batches, const char* predictor) {
    m.def("cost_and_gradient", &cost_and_gradient<T>, "instruction_set"_a, "threads"_a,
          "W1"_a.noconvert(), "b1"_a.noconvert(), "W2"_a.noconvert(), "b2"_a.noconvert(), "rows"_a,
          "labels"_a, "shares"_a.none());
    m.def("predict_proba", &predict_proba<T>, "instruction_set"_a, "threads"_a,
          "W1"_a.noconvert(), "b1"_a.noconvert(), "W2"_a.noconvert(), "b2"_a.noconvert(),
          "rows"_a);
    m.def("descend", &descend_run<T>, "instruction_set"_a, "threads"_a, "W1"_a.noconvert(),
          "b1"_a.noconvert(), "W2"_a.noconvert(), "b2"_a.noconvert(), "rows"_a, "labels"_a,
          "shares"_a.none(), "learning_rate"_a, "costs"_a.noconvert(),
          "accuracies"_a.noconvert(), "report"_a.none());
    nb::class_<Batches<T>>(m, batches)
        .def(nb::init<const std::string&, std::size_t, MatrixIn<T>, MatrixIn<T>, MatrixIn<T>,
                      MatrixIn<T>, const RowsHandle&, VectorIn<std::int32_t>,
                      std::optional<VectorIn<double>>, std::size_t>(),
             "instruction_set"_a, "threads"_a, "W1"_a.noconvert(), "b1"_a.noconvert(),
             "W2"_a.noconvert(), "b2"_a.noconvert(), "rows"_a, "labels"_a, "weights"_a.none(),
             "batch"_a)
        .def("epoch", &Batches<T>::epoch, "kind"_a, "rate"_a, "momentum"_a, "square"_a,
             "epsilon"_a, "order"_a, "costs"_a.noconvert(), "accuracies"_a.noconvert(),
             "report"_a.none())
        .def("parameters", &Batches<T>::parameters);
    nb::class_<Predictor<T>>(m, predictor)
        .def(nb::init<const std::string&, MatrixIn<T>, MatrixIn<T>, MatrixIn<T>, MatrixIn<T>,
                      double, double>(),
             "instruction_set"_a, "W1"_a.noconvert(), "b1"_a.noconvert(), "W2"_a.noconvert(),
             "b2"_a.noconvert(), "least"_a, "most"_a)
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
    nb::class_<RowsHandle>(m, "Rows");
    m.def("within", &within, "rows"_a, "least"_a, "most"_a, "threads"_a);
    bind_rows<std::uint8_t>(m);
    bind_rows<float>(m);
    bind_rows<double>(m);
    bind_engine<float>(m, "Batches32", "Predictor32");
    bind_engine<double>(m, "Batches64", "Predictor64");
}

}  // namespace handgrad
