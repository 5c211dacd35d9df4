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
        const T x = least + (most - least) * static_cast<T>(i) / 20000;
        const T found = function(broadcast<T>(x))[0];
        const T expected = static_cast<T>(exact(static_cast<long double>(x)));
        expect(std::abs(found - expected) <= tolerance * std::abs(expected) + absolute,
            name + (" of " + std::to_string(x)) + " is " + std::to_string(found));
    }
}

template <class T> void functions_are_accurate() {
    const T lowest = Constants<T>::lowest, smallest = std::numeric_limits<T>::min();
    const auto exp = [](long double x) { return std::exp(x); };
    const auto log = [](long double x) { return std::log(x); };
    const auto sigma = [](long double x) { return 1 / (1 + std::exp(-x)); };
    const auto softplus = [](long double x) {
        return (x > 0 ? x : 0) + std::log1p(std::exp(x > 0 ? -x : x));
    };
    compare_function<T>("exp", exponential<T>, exp, lowest, 0);
    compare_function<T>("log", logarithm<T>, log, 1, 100);
    compare_function<T>("sigmoid", sigmoid<T>, sigma, lowest, 50);
    compare_function<T>("log(1 + exp(x))", log_one_plus_exp<T>, softplus, lowest, 50);
    compare_function<T>(
        "exp below its range", exponential<T>, exp, 2 * lowest, lowest, 2 * smallest);
    const T infinity = std::numeric_limits<T>::infinity();
    expect(sigmoid<T>(broadcast(infinity))[0] == 1 && sigmoid<T>(broadcast(-infinity))[0] == 0,
        "sigmoid of infinity");
    expect(log_one_plus_exp<T>(broadcast(infinity))[0] == infinity, "a loss of infinity");
    expect(std::isnan(sigmoid<T>(broadcast(std::numeric_limits<T>::quiet_NaN()))[0]),
        "sigmoid of NaN");
}

// Each weight has a place of its own inside its layer; reading and writing are inverse.
void parameters_come_back_as_they_went() {
    for (const size_t lanes : {4, 8, 16})
        for (const size_t D : {1, 5, 40})
            for (const size_t H : {1, 7, 33, 130})
                for (const size_t K : {1, 3, 20}) {
                    const Layout layout({D, H, K}, Output::softmax, lanes, 4);
                    std::vector<double> given[4], found[4];
                    const size_t sizes[] = {H * D, H, K * H, K};
                    for (size_t i = 0; i < 4; ++i) {
                        given[i].resize(sizes[i]);
                        std::iota(given[i].begin(), given[i].end(), 1000.0 * (i + 1));
                        found[i].resize(sizes[i]);
                    }
                    const Buffer<double> values = Buffer<double>::zeros(layout.size());
                    import_arrays<double>(layout,
                        {{given[0].data(), given[1].data()}, {given[2].data(), given[3].data()}},
                        values.data());
                    export_arrays<double>(layout, values.data(),
                        {{found[0].data(), found[1].data()}, {found[2].data(), found[3].data()}});
                    size_t numbers = 0;
                    for (size_t i = 0; i < layout.size(); ++i) numbers += values[i] != 0;
                    expect(numbers == H * D + H + K * H + K, "padding is not zero");
                    for (size_t i = 0; i < 4; ++i)
                        expect(found[i] == given[i], "parameters changed on their way");
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
    handgrad::parameters_come_back_as_they_went();
    handgrad::slices_cover_every_row_once();
    handgrad::small_work_gets_few_workers();
    handgrad::one_continues_alone_if_others_are_slow();
    std::puts("units: all checks passed");
}
