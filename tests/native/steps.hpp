// Runs of every kind of step, from rows that are made up here to the bits of the result.
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "check.hpp"
#include "schedule/feature_shards.hpp"
#include "schedule/runs.hpp"
#include "schedule/weight_parts.hpp"

namespace handgrad {

// The layers of a network with such sizes, from features to outputs.
inline std::vector<LayerShape> shapes_of(const std::vector<size_t>& sizes, Activation activation) {
    std::vector<LayerShape> shapes;
    for (size_t l = 0; l + 1 < sizes.size(); ++l)
        shapes.push_back({sizes[l], sizes[l + 1], activation});
    shapes.back().activation = Activation::identity;
    return shapes;
}

// Rows, targets and initial values of a case.
template <class T> struct Task {
    Rows rows;
    std::vector<uint8_t> pixels;
    std::vector<T> numbers;
    std::vector<size_t> starts{0};
    std::vector<int32_t> indices, labels;
    std::vector<T> targets;  // of outputs that predict no classes
    std::vector<std::vector<T>> weights, biases;
    Output output;
    std::vector<LayerShape> shapes;

    // sizes: those of the features and of each layer.
    Task(size_t m, const std::vector<size_t>& sizes, Output output = Output::softmax,
        Activation activation = Activation::relu)
        : output(output), shapes(shapes_of(sizes, activation)) {
        rows.count = m;
        rows.features = rows.stride = sizes.front();
        Random random;
        const size_t outputs = sizes.back();
        const uint32_t classes = outputs == 1 ? 2 : static_cast<uint32_t>(outputs);
        for (size_t i = 0; i < m; ++i)
            labels.push_back(static_cast<int32_t>(random.below(classes)));
        for (size_t i = 0; i < m * outputs; ++i) targets.push_back(static_cast<T>(random.below(2)));
        const auto numbers = [&](size_t size) {
            std::vector<T> drawn(size);
            for (T& number : drawn) number = static_cast<T>(random.number());
            return drawn;
        };
        for (const LayerShape& shape : shapes) {
            weights.push_back(numbers(shape.inputs * shape.outputs));
            biases.push_back(numbers(shape.outputs));
        }
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;

    NetworkArrays<const T> arrays() const {
        NetworkArrays<const T> arrays;
        for (size_t l = 0; l < shapes.size(); ++l)
            arrays.push_back({weights[l].data(), biases[l].data()});
        return arrays;
    }
    Layout layout(const Kernels<T>& kernels) const {
        return Layout(shapes, output, kernels.lanes, kernels.vectors);
    }
    Samples<T> samples(const Rows& given) const {
        Samples<T> samples{&given};
        if (Layout(shapes, output, 1, 1).predicts_classes())
            samples.labels = labels.data();
        else
            samples.values = targets.data();
        samples.share = T(1) / static_cast<T>(rows.count);
        samples.count = rows.count;
        return samples;
    }

    void fill_dense() {
        Random random;
        for (size_t i = 0; i < rows.count * rows.features; ++i)
            numbers.push_back(static_cast<T>(random.number()));
        rows.type = number_of<T>();
        rows.values = numbers.data();
        rows.short_indices = true;
    }
    void fill_with_zeros() {
        Random random;
        for (size_t i = 0; i < rows.count * rows.features; ++i)
            pixels.push_back(static_cast<uint8_t>(random.below(5) ? 0 : random.below(256)));
        rows.values = pixels.data();
        rows.short_indices = true;
    }
    void fill_csr(size_t nonzeros) {
        Random random;
        for (size_t row = 0; row < rows.count; ++row) {
            const size_t part = rows.features / nonzeros;
            for (size_t i = 0; i < nonzeros; ++i) {
                indices.push_back(
                    static_cast<int32_t>(i * part + random.below(static_cast<uint32_t>(part))));
                numbers.push_back(static_cast<T>(random.number()));
            }
            starts.push_back(indices.size());
        }
        rows.type = number_of<T>();
        rows.values = numbers.data();
        rows.starts = starts.data();
        rows.indices = indices.data();
    }
};

// What a run gave: parameters, costs and the like.
using Result = std::vector<double>;

template <class T, class Write> void append(Result& to, const Task<T>& task, const Write& write) {
    auto weights = task.weights, biases = task.biases;
    NetworkArrays<T> arrays;
    for (size_t l = 0; l < weights.size(); ++l)
        arrays.push_back({weights[l].data(), biases[l].data()});
    write(arrays);
    for (size_t l = 0; l < weights.size(); ++l)
        for (const auto* part : {&weights[l], &biases[l]})
            to.insert(to.end(), part->begin(), part->end());
}

// Full-batch descent, and a gradient.
template <class T>
Result full_batch(const Kernels<T>& kernels, const Task<T>& task, bool pack, size_t workers) {
    const Layout layout = task.layout(kernels);
    std::unique_ptr<PackedRows<T>> packed;
    if (pack) {
        ThreadPool pool(workers);
        packed = std::make_unique<PackedRows<T>>(kernels, task.rows, pool, true);
        expect(packed->rows().csc != nullptr, "packed rows got no columns");
    }
    const Samples<T> samples = task.samples(pack ? packed->rows() : task.rows);
    RowSliceTrainer<T> trainer(
        kernels, layout, task.arrays(), samples, task.rows.count, workers, false);
    ThreadPool pool(std::min(workers, trainer.most_workers()));
    Result result(8);
    const auto report = [](size_t) { return false; };
    descend(pool, trainer, T(0.1), T(0.01), 4, {result.data(), result.data() + 4}, report);
    append(result, task, [&](const auto& to) { trainer.write(Part::values, to); });
    result.push_back(trainer.pass(pool, 0, task.rows.count).cost);
    append(result, task, [&](const auto& to) { trainer.write_gradient(pool, T(0.01), to); });
    return result;
}

enum class Way { slices, sparse, shards, parts };

// Epochs in an order of their own, by any rule.
template <class T> Result epochs(const Kernels<T>& kernels, const Task<T>& task, Way way,
    const Epoch<T>& like, size_t workers, size_t times = 2) {
    const Layout layout = task.layout(kernels);
    Samples<T> samples = task.samples(task.rows);
    samples.skip_zeros =
        task.rows.type == Number::uint8 && (way == Way::shards || way == Way::parts);
    std::unique_ptr<Trainer<T>> trainer;
    if (way == Way::shards) {
        expect(worth_sharding(samples, like.batch), "rows are not cut into shards");
        expect(cut_features(task.rows, layout, like.batch).size() > 3, "few shards");
        trainer = std::make_unique<FeatureShardTrainer<T>>(
            kernels, layout, task.arrays(), samples, like.batch, workers);
    } else if (way == Way::parts) {
        expect(worth_parts(samples, layout, like.batch), "weights are not cut into parts");
        trainer = std::make_unique<WeightPartTrainer<T>>(
            kernels, layout, task.arrays(), samples, like.batch, workers);
    } else {
        if (way == Way::sparse)
            expect(worth_tracking(samples, layout, like.batch), "features are not tracked");
        trainer = std::make_unique<RowSliceTrainer<T>>(
            kernels, layout, task.arrays(), samples, like.batch, workers, way == Way::sparse);
    }
    const size_t m = task.rows.count, batches = (m + like.batch - 1) / like.batch;
    std::vector<int64_t> order(m);
    for (size_t i = 0; i < m; ++i) order[i] = static_cast<int64_t>((i * 7 + 3) % m);
    std::vector<T> shares(m);
    Epoch<T> epoch = like;
    epoch.order = order.data();
    epoch.count = m;
    epoch.shares = shares.data();
    Result result(2 * times * batches);
    ThreadPool pool(std::min(workers, trainer->most_workers()));
    for (size_t i = 0; i < times; ++i, epoch.steps += batches)
        run_epoch(pool, *trainer, epoch,
            {result.data() + 2 * i * batches, result.data() + (2 * i + 1) * batches},
            [](size_t) { return false; });
    append(result, task, [&](const auto& to) { trainer->write(Part::values, to); });
    return result;
}

// Cost and outputs.
template <class T> Result evaluate(const Kernels<T>& kernels, const Task<T>& task, size_t workers) {
    const Layout layout = task.layout(kernels);
    const Samples<T> samples = task.samples(task.rows);
    const ParameterStore<T> store(layout, task.arrays());
    std::vector<T> out(task.rows.count * layout.columns());
    const Evaluation<T> evaluation(kernels, store, samples);
    ThreadPool pool(workers);
    evaluation.outputs(pool, out.data());
    Result result(out.begin(), out.end());
    result.push_back(evaluation.cost(pool, T(0.01)).cost);
    return result;
}

// Any number of workers must give what one gives.
inline void compare(const std::string& what, const std::function<Result(size_t)>& run) {
    const Result alone = run(1);
    for (const size_t workers : {2, 3, 7}) {
        const Result found = run(workers);
        expect(found.size() == alone.size() &&
                   std::memcmp(found.data(), alone.data(), alone.size() * sizeof(double)) == 0,
            what + " differs with " + std::to_string(workers) + " workers");
    }
}

// Networks of several depths, each with an activation and an output of its own.
template <class T> void compare_networks(const Kernels<T>& kernels, const std::string& name) {
    const Rule<T> rule{Rule<T>::adam, T(0.01), T(0.9), T(0.999), T(1e-8), 0};
    const Epoch<T> by_64{rule, 0.1, 64, 0, nullptr, 0, nullptr, nullptr};
    const auto compare_ways = [&](Task<T>& task, const std::string& what) {
        task.fill_with_zeros();
        compare(what + " descent", [&](auto n) { return full_batch(kernels, task, false, n); });
        compare(what + " evaluation", [&](auto n) { return evaluate(kernels, task, n); });
        compare(what + " shards",
            [&](auto n) { return epochs(kernels, task, Way::shards, by_64, n, 1); });
    };
    Task<T> single(300, {784, 1}, Output::logistic);
    Task<T> labels(300, {784, 10, 9, 3}, Output::logistic, Activation::tanh);
    Task<T> values(300, {784, 10, 20, 5, 2}, Output::identity, Activation::leaky_relu);
    Task<T> counts(300, {784, 10, 1}, Output::exp, Activation::logistic);
    compare_ways(single, name + " network without a hidden layer");
    compare_ways(labels, name + " network of several labels");
    compare_ways(values, name + " network of values");
    compare_ways(counts, name + " network of counts");
}

// Wide layers behind rows with zeros and without.
template <class T> void compare_wide(const Kernels<T>& kernels, const std::string& name) {
    const Rule<T> rule{Rule<T>::adam, T(0.01), T(0.9), T(0.999), T(1e-8), 0};
    const Epoch<T> by_40{rule, 0.1, 40, 0, nullptr, 0, nullptr, nullptr};
    Task<T> zeros(70, {300, 30, 370, 380, 5}), dense(70, {20, 370, 380, 2}, Output::identity);
    zeros.fill_with_zeros();
    dense.fill_dense();
    for (const Task<T>* task : {&zeros, &dense})
        compare(name + " wide layers",
            [&](auto n) { return epochs(kernels, *task, Way::parts, by_40, n); });
}

// Every path of one type and instruction set.
template <class T> void compare_all(const Kernels<T>& kernels, const std::string& name) {
    Task<T> dense(700, {24, 10, 4}), zeros(1900, {40, 10, 4}), sparse(400, {600, 10, 4});
    dense.fill_dense();
    zeros.fill_with_zeros();
    sparse.fill_csr(12);
    compare(name + " dense descent", [&](auto n) { return full_batch(kernels, dense, false, n); });
    compare(
        name + " descent by columns", [&](auto n) { return full_batch(kernels, zeros, true, n); });
    compare(name + " CSR descent", [&](auto n) { return full_batch(kernels, sparse, false, n); });
    compare(name + " evaluation", [&](auto n) { return evaluate(kernels, dense, n); });

    Task<T> wide(400, {600, 64, 4}), pixels(192, {784, 10, 4}), text(400, {32768, 10, 4});
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
            const Epoch<T> by_200{rule, alpha, 200, 0, nullptr, 0, nullptr, nullptr};
            compare(what + ", sparse gradient",
                [&](auto n) { return epochs(kernels, text, Way::sparse, by_200, n); });
        }
        const Epoch<T> weighted{rule, 0.1, 200, 0, nullptr, 0, weights.data(), nullptr};
        compare(what + ", slices",
            [&](auto n) { return epochs(kernels, wide, Way::slices, weighted, n); });
    }
}

}  // namespace handgrad
