// Runs of every kind of step, from rows that are made up here to the bits of the result.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "schedule/feature_shards.hpp"
#include "schedule/runs.hpp"

namespace handgrad {

inline void expect(bool holds, const std::string& what) {
    if (holds) return;
    std::fprintf(stderr, "threads: %s\n", what.c_str());
    std::_Exit(1);
}

class Random {
  public:
    std::uint32_t below(std::uint32_t end) {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::uint32_t>((state_ >> 33) % end);
    }
    double number() { return below(1u << 24) / double(1u << 24) - 0.5; }

  private:
    std::uint64_t state_ = 1;
};

// Rows, labels and initial values of a case.
template <class T> struct Task {
    Rows rows;
    std::vector<std::uint8_t> pixels;
    std::vector<T> numbers;
    std::vector<std::int64_t> starts{0};
    std::vector<std::int32_t> indices, labels;
    std::vector<T> W1, b1, W2, b2;
    std::size_t H, K = 4;

    Task(std::size_t m, std::size_t D, std::size_t H) : H(H) {
        rows.count = m;
        rows.features = rows.stride = D;
        Random random;
        for (std::size_t i = 0; i < m; ++i)
            labels.push_back(static_cast<std::int32_t>(random.below(4)));
        const auto fill = [&](std::vector<T>& to, std::size_t size) {
            for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<T>(random.number()));
        };
        fill(W1, H * D), fill(b1, H), fill(W2, K * H), fill(b2, K);
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;

    Arrays<const T> arrays() const { return {W1.data(), b1.data(), W2.data(), b2.data()}; }
    Layout layout(const Kernels<T>& kernels) const {
        return Layout(rows.features, H, K, kernels.lanes, kernels.vectors);
    }
    Samples<T> samples(const Rows& given) const {
        Samples<T> samples{&given, labels.data()};
        samples.share = T(1) / static_cast<T>(rows.count);
        samples.count = rows.count;
        return samples;
    }

    void fill_dense() {
        Random random;
        for (std::size_t i = 0; i < rows.count * rows.features; ++i)
            numbers.push_back(static_cast<T>(random.number()));
        rows.type = sizeof(T) == 4 ? Number::float32 : Number::float64;
        rows.values = numbers.data();
    }
    void fill_with_zeros() {
        Random random;
        for (std::size_t i = 0; i < rows.count * rows.features; ++i)
            pixels.push_back(static_cast<std::uint8_t>(random.below(5) ? 0 : random.below(256)));
        rows.values = pixels.data();
    }
    void fill_csr(std::size_t nonzeros) {
        Random random;
        for (std::size_t row = 0; row < rows.count; ++row) {
            const std::size_t part = rows.features / nonzeros;
            for (std::size_t i = 0; i < nonzeros; ++i) {
                indices.push_back(static_cast<std::int32_t>(
                    i * part + random.below(static_cast<std::uint32_t>(part))));
                numbers.push_back(static_cast<T>(random.number()));
            }
            starts.push_back(static_cast<std::int64_t>(indices.size()));
        }
        rows.type = sizeof(T) == 4 ? Number::float32 : Number::float64;
        rows.values = numbers.data();
        rows.starts = starts.data();
        rows.indices = indices.data();
    }
};

// What a run gave: parameters, costs and the like.
using Result = std::vector<double>;

template <class T, class Write> void append(Result& to, const Task<T>& task, const Write& write) {
    std::vector<T> W1(task.W1.size()), b1(task.b1.size()), W2(task.W2.size()), b2(task.b2.size());
    write(Arrays<T>{W1.data(), b1.data(), W2.data(), b2.data()});
    for (const auto* part : {&W1, &b1, &W2, &b2}) to.insert(to.end(), part->begin(), part->end());
}

// Full-batch descent, and a gradient.
template <class T>
Result full_batch(const Kernels<T>& kernels, const Task<T>& task, bool pack, std::size_t workers) {
    const Layout layout = task.layout(kernels);
    std::unique_ptr<Packed<T>> packed;
    if (pack) {
        ThreadPool pool(workers);
        packed = std::make_unique<Packed<T>>(kernels, task.rows, pool, pool.workers());
        packed->add_csc(pool, pool.workers());
        expect(packed->rows().csc != nullptr, "packed rows got no columns");
    }
    const Samples<T> samples = task.samples(pack ? packed->rows() : task.rows);
    RowSliceTrainer<T> trainer(kernels, layout, task.arrays(), samples, most_in_row(*samples.rows),
        task.rows.count, workers, false);
    ThreadPool pool(std::min(workers, trainer.most_workers()));
    Result result(8);
    const auto report = [](std::size_t) { return false; };
    descend(pool, trainer, T(0.1), T(0.01), 4, result.data(), result.data() + 4, report);
    append(result, task, [&](const Arrays<T>& to) { trainer.write(to); });
    result.push_back(trainer.pass(pool, 0, task.rows.count).cost);
    append(result, task, [&](const Arrays<T>& to) { trainer.write_gradient(pool, to); });
    return result;
}

enum class Way { slices, touched, shards };

// Epochs in an order of their own, by any rule.
template <class T> Result epochs(const Kernels<T>& kernels, const Task<T>& task, Way way,
    const Epoch<T>& like, std::size_t workers, std::size_t times = 2) {
    const Layout layout = task.layout(kernels);
    Samples<T> samples = task.samples(task.rows);
    samples.skip_zeros = way == Way::shards;
    std::unique_ptr<Trainer<T>> trainer;
    if (way == Way::shards) {
        expect(worth_sharding(samples, like.batch), "rows are not cut into shards");
        expect(cut_features(kernels, task.rows, layout, like.batch).size() > 3, "few shards");
        trainer = std::make_unique<FeatureShardTrainer<T>>(
            kernels, layout, task.arrays(), samples, like.batch, workers);
    } else {
        if (way == Way::touched)
            expect(worth_tracking(samples, layout, like.batch), "features are not tracked");
        trainer = std::make_unique<RowSliceTrainer<T>>(kernels, layout, task.arrays(), samples,
            most_in_row(task.rows), like.batch, workers, way == Way::touched);
    }
    const std::size_t m = task.rows.count, batches = (m + like.batch - 1) / like.batch;
    std::vector<std::int64_t> order(m);
    for (std::size_t i = 0; i < m; ++i) order[i] = static_cast<std::int64_t>((i * 7 + 3) % m);
    std::vector<T> shares(m);
    Epoch<T> epoch = like;
    epoch.order = order.data();
    epoch.count = m;
    epoch.shares = shares.data();
    Result result(2 * times * batches);
    ThreadPool pool(std::min(workers, trainer->most_workers()));
    for (std::size_t i = 0; i < times; ++i, epoch.steps += batches)
        run_epoch(pool, *trainer, epoch, result.data() + 2 * i * batches,
            result.data() + (2 * i + 1) * batches, [](std::size_t) { return false; });
    append(result, task, [&](const Arrays<T>& to) { trainer->write(to); });
    return result;
}

template <class T>
Result predict(const Kernels<T>& kernels, const Task<T>& task, std::size_t workers) {
    constexpr std::size_t part = 64;
    const Layout layout = task.layout(kernels);
    const Samples<T> samples = task.samples(task.rows);
    const ParameterStore<T> store(layout, task.arrays());
    ThreadPool pool(workers);
    const Workspace<T> workspace(layout, samples, task.rows.features, part, pool.workers());
    std::vector<T> out(task.rows.count * task.K);
    pool.for_each((task.rows.count + part - 1) / part, [&](std::size_t i, std::size_t worker) {
        kernels.predict(store.view(), samples, i * part, std::min(task.rows.count, (i + 1) * part),
            workspace[worker], out.data());
    });
    return Result(out.begin(), out.end());
}

// Any number of workers must give what one gives.
inline void compare(const std::string& what, const std::function<Result(std::size_t)>& run) {
    const Result alone = run(1);
    for (const std::size_t workers : {2, 3, 7}) {
        const Result found = run(workers);
        expect(found.size() == alone.size() &&
                   std::memcmp(found.data(), alone.data(), alone.size() * sizeof(double)) == 0,
            what + " differs with " + std::to_string(workers) + " workers");
    }
}

// Every path of one type and instruction set.
template <class T> void compare_all(const Kernels<T>& kernels, const std::string& name) {
    Task<T> dense(700, 24, 10), zeros(1900, 40, 10), sparse(400, 600, 10);
    dense.fill_dense();
    zeros.fill_with_zeros();
    sparse.fill_csr(12);
    compare(name + " dense descent", [&](auto n) { return full_batch(kernels, dense, false, n); });
    compare(
        name + " descent by columns", [&](auto n) { return full_batch(kernels, zeros, true, n); });
    compare(name + " CSR descent", [&](auto n) { return full_batch(kernels, sparse, false, n); });
    compare(name + " prediction", [&](auto n) { return predict(kernels, dense, n); });

    Task<T> wide(400, 600, 64), pixels(192, 784, 10), text(400, 16384, 10);
    wide.fill_dense();
    pixels.fill_with_zeros();
    text.fill_csr(8);
    const std::vector<double> weights(400, 0.5);
    for (const auto kind : {Rule<T>::sgd, Rule<T>::momentum, Rule<T>::nesterov, Rule<T>::adam}) {
        const Rule<T> rule{kind, T(0.01), T(0.9), T(0.999), T(1e-8), 0};
        const std::string what = name + " rule " + std::to_string(kind);
        for (const double alpha : {0.0, 0.1}) {
            const Epoch<T> by_64{rule, alpha, 64, 0, nullptr, 0, nullptr, nullptr};
            compare(what + ", shards",
                [&](auto n) { return epochs(kernels, pixels, Way::shards, by_64, n); });
        }
        const Epoch<T> by_200{rule, 0, 200, 0, nullptr, 0, nullptr, nullptr};
        compare(what + ", touched features",
            [&](auto n) { return epochs(kernels, text, Way::touched, by_200, n); });
        const Epoch<T> weighted{rule, 0.1, 200, 0, nullptr, 0, weights.data(), nullptr};
        compare(what + ", slices",
            [&](auto n) { return epochs(kernels, wide, Way::slices, weighted, n); });
    }
}

}  // namespace handgrad
