// The module handgrad.engines._native.
#include "bindings/part_session.hpp"
#include "bindings/predictor.hpp"
#include "bindings/session.hpp"

namespace handgrad {
namespace {

template <class T> Array<T> outputs(const std::string& instruction_set, size_t threads,
    const NetworkIn<T>& network, const RowsHandle& handle) {
    const Kernels<T>& kernels = kernels_named<T>(instruction_set);
    const Layout layout = network.layout(kernels);
    if (handle.rows.features != layout.first().W.inputs)
        throw std::invalid_argument("rows and network do not fit each other");
    Array<T> out = new_array<T>({handle.rows.count, layout.columns()});
    const nb::gil_scoped_release release;
    const ParameterStore<T> store(layout, network.arrays());
    const Samples<T> samples = samples_of(kernels, handle.rows);
    const Evaluation<T> evaluation(kernels, store, samples);
    ThreadPool pool(evaluation.workers(threads));
    evaluation.outputs(pool, out.data());
    return out;
}

Rule<double> sgd(double learning_rate, double momentum, bool nesterov) {
    const auto kind = nesterov   ? Rule<double>::nesterov
                      : momentum ? Rule<double>::momentum
                                 : Rule<double>::sgd;
    return {kind, learning_rate, momentum, 0, 0};
}

Rule<double> adam(double learning_rate, double beta_1, double beta_2, double epsilon) {
    return {Rule<double>::adam, learning_rate, beta_1, beta_2, epsilon};
}

template <class T> void bind_engine(nb::module_& m, const std::string& bits) {
    using Network = NetworkIn<T>;
    const auto name = [&](const char* kind) { return kind + bits; };
    nb::class_<Network>(m, name("Network").c_str())
        .def(nb::init<std::vector<typename Network::LayerIn>, Output>(), "layers"_a.noconvert(),
            "output"_a);
    nb::class_<Session<T>>(m, name("Session").c_str())
        .def(nb::init<const std::string&, size_t, const RowsHandle&,
                 const std::optional<VectorIn<int32_t>>&, const std::optional<MatrixIn<T>>&,
                 const Objective&, const std::optional<VectorIn<double>>&, double>(),
            "instruction_set"_a, "threads"_a, "rows"_a, "labels"_a.none(),
            "values"_a.noconvert().none(), "objective"_a, "weights"_a.none(), "total"_a)
        .def_prop_ro("count", &Session<T>::count)
        .def("cost", &Session<T>::cost, "network"_a)
        .def("cost_and_gradient", &Session<T>::cost_and_gradient, "network"_a)
        .def("descend", &Session<T>::descend, "network"_a, "learning_rate"_a, "costs"_a.noconvert(),
            "accuracies"_a.noconvert(), "report"_a.none())
        .def("batches", &Session<T>::batches, "network"_a, "rule"_a, "batch_size"_a,
            nb::keep_alive<0, 1>());
    nb::class_<PartSession<T>>(m, name("PartSession").c_str())
        .def(nb::init<const std::string&, const RowsHandle&,
                 const std::optional<VectorIn<int32_t>>&, const std::optional<MatrixIn<T>>&,
                 const Objective&, const std::optional<VectorIn<double>>&, double, bool>(),
            "instruction_set"_a, "rows"_a, "labels"_a.none(), "values"_a.noconvert().none(),
            "objective"_a, "weights"_a.none(), "total"_a, "kept"_a)
        .def_prop_ro("count", &PartSession<T>::count)
        .def("cost", &PartSession<T>::cost, "network"_a)
        .def("cost_and_gradient", &PartSession<T>::cost_and_gradient, "network"_a);
    nb::class_<Batches<T>>(m, name("Batches").c_str())
        .def("epoch", &Batches<T>::epoch, "order"_a, "learning_rate"_a.none(),
            "costs"_a.noconvert(), "accuracies"_a.noconvert(), "report"_a.none())
        .def("parameters", &Batches<T>::parameters)
        .def("moments", &Batches<T>::moments)
        .def("restore", &Batches<T>::restore, "steps"_a, "first"_a, "second"_a);
    nb::class_<Predictor<T>>(m, name("Predictor").c_str())
        .def(nb::init<const std::string&, const Network&, double, double, double>(),
            "instruction_set"_a, "network"_a, "scale"_a, "least"_a, "most"_a)
        .def("outputs", &Predictor<T>::outputs, "x"_a)
        .def("label", &Predictor<T>::label, "x"_a);
    m.def("outputs", &outputs<T>, "instruction_set"_a, "threads"_a, "network"_a, "rows"_a);
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
    // NOLINTBEGIN(bugprone-throw-keyword-missing, bugprone-unused-raii)
    nb::exception<std::bad_alloc>(m, "OutOfMemoryError", PyExc_MemoryError);
    nb::exception<std::invalid_argument>(m, "RefusedError", PyExc_ValueError);
    nb::exception<InsideEpoch>(m, "InsideEpochError", PyExc_RuntimeError);
    // NOLINTEND(bugprone-throw-keyword-missing, bugprone-unused-raii)
    nb::class_<RowsHandle>(m, "Rows");  // NOLINT(bugprone-unused-raii)
    m.def("within", &within, "rows"_a, "least"_a, "most"_a, "threads"_a);
    bind_rows<uint8_t>(m);
    bind_rows<float>(m);
    bind_rows<double>(m);
    nb::enum_<Activation>(m, "Activation")
        .value("identity", Activation::identity)
        .value("logistic", Activation::logistic)
        .value("tanh", Activation::tanh)
        .value("relu", Activation::relu)
        .value("leaky_relu", Activation::leaky_relu);
    nb::enum_<Output>(m, "Output")
        .value("softmax", Output::softmax)
        .value("logistic", Output::logistic)
        .value("identity", Output::identity)
        .value("exp", Output::exp);
    nb::class_<Objective>(m, "Objective")
        .def(nb::init<Output, double, bool>(), "output"_a, "alpha"_a, "averages_outputs"_a);
    nb::class_<Rule<double>>(m, "Rule")
        .def_static("sgd", &sgd, "learning_rate"_a, "momentum"_a, "nesterov"_a)
        .def_static("adam", &adam, "learning_rate"_a, "beta_1"_a, "beta_2"_a, "epsilon"_a);
    bind_engine<float>(m, "32");
    bind_engine<double>(m, "64");
}

}  // namespace handgrad
