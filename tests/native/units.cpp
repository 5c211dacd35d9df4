// Parts of the core that Python cannot reach alone: its functions, the layout of parameters, the cuts
// of work, and the choices of how many workers take it.
#include <cmath>
#include <numeric>
#include <vector>

#include "check.hpp"
#include "network/storage.hpp"
#include "rows/packed.hpp"
#include "schedule/contention.hpp"
#include "schedule/row_slices.hpp"
#include "schedule/trainer.hpp"
#include "variants/functions.hpp"

namespace handgrad {
namespace {

using namespace HANDGRAD_VARIANT;

// A function of vectors against the mathematical library's, in long double.
template <class T, class Function, class Exact> void compare_function(
    const char* name, Function function, Exact exact, T least, T most, T absolute = 0) {
    const T tolerance = 4 * std::numeric_limits<T>::epsilon();
    for (int i = 0; i <= 20000; ++i) {
        const T x = std::min(most, least + (most - least) * static_cast<T>(i) / 20000);
        const T found = function(broadcast<T>(x))[0];
        const T expected = static_cast<T>(exact(static_cast<long double>(x)));
        expect(std::abs(found - expected) <= tolerance * std::abs(expected) + absolute,
            name + (" of " + std::to_string(x)) + " is " + std::to_string(found));
    }
}

template <class T> void functions_are_accurate() {
    const T lowest = Constants<T>::lowest, smallest = std::numeric_limits<T>::min();
    const T largest = std::nextafter(std::log(std::numeric_limits<T>::max()), T(0));
    const auto exp = [](long double x) { return std::exp(x); };
    const auto expm1 = [](long double x) { return std::expm1(x); };
    const auto log = [](long double x) { return std::log(x); };
    const auto tanh = [](long double x) { return std::tanh(x); };
    const auto sigma = [](long double x) { return 1 / (1 + std::exp(-x)); };
    const auto softplus = [](long double x) {
        return (x > 0 ? x : 0) + std::log1p(std::exp(x > 0 ? -x : x));
    };
    compare_function<T>("exp", exponential<T>, exp, lowest, 0);
    compare_function<T>(
        "exp below its range", exponential<T>, exp, 2 * lowest, lowest, 2 * smallest);
    compare_function<T>("exp of any", exponential_of_any<T>, exp, lowest, largest);
    compare_function<T>("exp of any, below numbers", exponential_of_any<T>, exp, 3 * lowest, lowest,
        std::numeric_limits<T>::denorm_min());
    compare_function<T>("log", logarithm<T>, log, 1, 100);
    compare_function<T>("log of small numbers", logarithm<T>, log, smallest, 1, 0);
    for (int exponent = 10; exponent > -100; exponent -= 5) {
        const T range = std::ldexp(T(1), exponent);
        compare_function<T>("exp(x) - 1", exponential_minus_one<T>, expm1, -range, 0);
        compare_function<T>("tanh", hyperbolic_tangent<T>, tanh, -range, range);
    }
    compare_function<T>("sigmoid", sigmoid<T>, sigma, lowest, 50);
    compare_function<T>("log(1 + exp(x))", log_one_plus_exp<T>, softplus, lowest, 50);
}

template <class T> void functions_are_right_at_their_ends() {
    const T infinity = std::numeric_limits<T>::infinity();
    const T nan = std::numeric_limits<T>::quiet_NaN();
    const auto of = [](auto function, T x) { return function(broadcast<T>(x))[0]; };
    expect(of(sigmoid<T>, infinity) == 1 && of(sigmoid<T>, -infinity) == 0, "sigmoid of infinity");
    expect(of(hyperbolic_tangent<T>, infinity) == 1 && of(hyperbolic_tangent<T>, -infinity) == -1 &&
               of(hyperbolic_tangent<T>, 0) == 0,
        "tanh at its ends");
    expect(of(exponential_of_any<T>, infinity) == infinity &&
               of(exponential_of_any<T>,
                   std::nextafter(std::log(std::numeric_limits<T>::max()), infinity) + 1) ==
                   infinity &&
               of(exponential_of_any<T>, -infinity) == 0 && of(exponential_of_any<T>, 0) == 1,
        "exp at its ends");
    expect(of(log_one_plus_exp<T>, infinity) == infinity, "a loss of infinity");
    for (const auto function : {sigmoid<T>, hyperbolic_tangent<T>, exponential_of_any<T>})
        expect(std::isnan(of(function, nan)), "a function of NaN is a number");
}

std::vector<LayerShape> shapes_of(const std::vector<size_t>& sizes) {
    std::vector<LayerShape> shapes;
    for (size_t l = 0; l + 1 < sizes.size(); ++l)
        shapes.push_back({sizes[l], sizes[l + 1], Activation::identity});
    return shapes;
}

// Each weight has a place of its own inside its layer; reading and writing are inverse.
void parameters_come_back(const Layout& layout) {
    std::vector<std::vector<double>> given, found;
    NetworkArrays<const double> from;
    NetworkArrays<double> to;
    size_t numbers = 0;
    for (const Layer& layer : layout)
        for (const size_t size : {layer.W.inputs * layer.W.outputs, layer.W.outputs}) {
            std::vector<double>& drawn = given.emplace_back(size);
            std::iota(drawn.begin(), drawn.end(), 1000.0 * static_cast<double>(given.size()));
            found.emplace_back(size);
            numbers += size;
        }
    for (size_t i = 0; i < given.size(); i += 2) {
        from.push_back({given[i].data(), given[i + 1].data()});
        to.push_back({found[i].data(), found[i + 1].data()});
    }
    const Buffer<double> values = Buffer<double>::zeros(layout.size());
    import_arrays<double>(layout, from, values.data());
    export_arrays<double>(layout, values.data(), to);
    size_t set = 0;
    for (size_t i = 0; i < layout.size(); ++i) set += values[i] != 0;
    expect(set == numbers, "padding is not zero");
    expect(found == given, "parameters changed on their way");
}

void parameters_come_back_as_they_went() {
    for (const size_t lanes : {4, 8, 16})
        for (const size_t D : {1, 5, 40})
            for (const size_t H : {1, 7, 33, 130})
                for (const size_t K : {1, 3, 20}) {
                    const std::vector<size_t> deep{D, H, K, H, K};
                    for (size_t depth = 1; depth < deep.size(); ++depth)
                        parameters_come_back(
                            Layout(shapes_of({deep.begin(), deep.begin() + depth + 1}),
                                Output::identity, lanes, 4));
                }
}

// The copies for dA hold each weight where the product with dZ looks for it.
void transposed_copies_are_those_of_the_weights() {
    for (const size_t H : {1, 7, 40, 130})
        for (const size_t K : {1, 9, 70}) {
            const Layout layout(shapes_of({3, H, K, H}), Output::identity, 8, 2);
            std::vector<std::vector<double>> given;
            NetworkArrays<const double> from;
            for (const Layer& layer : layout) {
                std::vector<double>& W = given.emplace_back(layer.W.inputs * layer.W.outputs);
                std::iota(W.begin(), W.end(), 1.0);
                from.push_back({W.data(), W.data()});
            }
            const ParameterStore<double> store(layout, from);
            for (size_t l = 1; l < layout.depth; ++l) {
                const Layer& layer = layout.layers[l];
                for (size_t h = 0; h < layer.W.inputs; ++h)
                    for (size_t k = 0; k < layer.W.outputs; ++k)
                        expect(store.view().W_back[layer.back_start + layer.W_back.at(k, h)] ==
                                   given[l][k * layer.W.inputs + h],
                            "a transposed weight is not in its place");
            }
        }
}

void slices_cover_every_row_once() {
    for (size_t rows : {0, 1, 95, 96, 97, 1000, 60000})
        for (size_t gradient : {100, 8000, 10000000})
            for (size_t unit : {1, 256}) {
                const Slices slices(0, rows, gradient, unit);
                expect(slices.count >= 1 && slices.count <= 64, "too many slices");
                expect(slices.cut(0) == 0 && slices.cut(slices.count) == rows, "rows are left");
                for (size_t i = 0; i < slices.count; ++i) {
                    expect(slices.cut(i) <= slices.cut(i + 1), "a slice ends before it begins");
                    expect(slices.cut(i) % unit == 0, "a slice begins inside a block");
                }
            }
}

void small_work_gets_few_workers() {
    expect(workers_for(0, 8) == 1 && workers_for(1e3, 8) == 1, "small work gets threads");
    expect(workers_for(1e12, 8) == 8 && workers_for(1e12, 0) == 1, "large work gets no threads");
    double work = 1;
    for (int i = 0; i < 70; ++i, work *= 1.5)
        expect(workers_for(work, 64) <= workers_for(1.5 * work, 64), "more work gets less");
}

// Batches of 100 rows in total, the seconds that they take, and the sleeps of workers in them.
void one_continues_alone_if_others_are_slow() {
    Contention contention;
    const auto batches = [&](double together, double alone, size_t sleeps) {
        for (int i = 0; i < 1000; ++i)
            contention.record(
                100, Contention::Time(contention.use_all() ? together : alone), sleeps);
    };
    batches(0.01, 0.001, 0);
    expect(contention.use_all(), "without sleeps one worker took over");
    size_t alone = 0;
    for (int i = 0; i < 1000; ++i) {
        contention.record(100, Contention::Time(contention.use_all() ? 0.01 : 0.001), 1);
        alone += !contention.use_all();
    }
    expect(alone > 500, "slow workers kept the batches");
    size_t together = 0;
    for (int i = 0; i < 5000; ++i) {
        contention.record(100, Contention::Time(contention.use_all() ? 0.001 : 0.01), 0);
        together += contention.use_all();
    }
    expect(together > 2500, "workers that became fast were not used again");
}

}  // namespace
}  // namespace handgrad

int main() {
    handgrad::functions_are_accurate<float>();
    handgrad::functions_are_accurate<double>();
    handgrad::functions_are_right_at_their_ends<float>();
    handgrad::functions_are_right_at_their_ends<double>();
    handgrad::parameters_come_back_as_they_went();
    handgrad::transposed_copies_are_those_of_the_weights();
    handgrad::slices_cover_every_row_once();
    handgrad::small_work_gets_few_workers();
    handgrad::one_continues_alone_if_others_are_slow();
    std::puts("units: all checks passed");
}
