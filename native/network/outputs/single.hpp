// Outputs whose activation and loss are computed for each one by itself: logistic, identity and exp.
// Rows may have fewer of them than a vector has lanes, so a vector takes those of several rows.
#pragma once

#include "rows/rows.hpp"
#include "variants/functions.hpp"
#include "variants/kernels.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Some outputs of a block, row after row: their places, logits and targets. Lanes from `count` on
// hold zeros.
template <class T> struct SomeOutputs {
    size_t count, rows[lanes<T>], columns[lanes<T>];
    T z[lanes<T>], y[lanes<T>];
};

// The losses and their slopes, before a row's share: dZ = slope · share (O3).
template <class T> struct Losses {
    double losses[lanes<T>];
    T slopes[lanes<T>];
};

// With t = z for label 0 and −z for label 1, the loss is log(1 + exp(t)), and its slope σ(t),
// negative for label 1: no difference of large numbers, whatever z is.
template <class T> struct LogisticOutput {
    static constexpr bool labels = true;
    static void losses(const SomeOutputs<T>& some, Losses<T>& to) {
        T t[lanes<T>], losses[lanes<T>];
        for (size_t i = 0; i < lanes<T>; ++i) t[i] = some.y[i] != 0 ? -some.z[i] : some.z[i];
        store(losses, log_one_plus_exp<T>(load(t)));
        store(to.slopes, sigmoid<T>(load(t)));
        for (size_t i = 0; i < lanes<T>; ++i) {
            to.losses[i] = static_cast<double>(losses[i]);
            if (some.y[i] != 0) to.slopes[i] = -to.slopes[i];
        }
    }
    static Vector<T> output(Vector<T> z) { return sigmoid<T>(z); }
};

// Half the square of the error.
template <class T> struct IdentityOutput {
    static constexpr bool labels = false;
    static void losses(const SomeOutputs<T>& some, Losses<T>& to) {
        for (size_t i = 0; i < lanes<T>; ++i) {
            const T error = some.z[i] - some.y[i];
            to.losses[i] = static_cast<double>(error) * static_cast<double>(error) / 2;
            to.slopes[i] = error;
        }
    }
    static Vector<T> output(Vector<T> z) { return z; }
};

// The Poisson loss of the expected value a = exp(z): y log(y / a) − y + a, from z. It is computed in
// double, because its terms are often much larger than their sum.
template <class T> struct ExpOutput {
    static constexpr bool labels = false;
    static void losses(const SomeOutputs<T>& some, Losses<T>& to) {
        constexpr double smallest = 1e-300;  // y log(y) is 0 below it
        double z[lanes<T>], y[lanes<T>], a[lanes<T>], logarithms[lanes<T>];
        for (size_t i = 0; i < lanes<T>; ++i) {
            z[i] = static_cast<double>(some.z[i]);
            y[i] = static_cast<double>(some.y[i]);
            logarithms[i] = y[i] > smallest ? y[i] : 1;
        }
        for (size_t i = 0; i < lanes<T>; i += lanes<double>) {
            store(a + i, exponential_of_any<double>(load(z + i)));
            store(logarithms + i, logarithm<double>(load(logarithms + i)));
        }
        for (size_t i = 0; i < lanes<T>; ++i) {
            to.losses[i] = y[i] * (logarithms[i] - z[i] - 1) + a[i];
            to.slopes[i] = static_cast<T>(a[i] - y[i]);
        }
    }
    static Vector<T> output(Vector<T> z) { return exponential_of_any<T>(z); }
};

// The target of an output: a number of its own, or whether a sample of two classes is in class 1.
template <class T>
inline T target(const Samples<T>& samples, size_t row, size_t outputs, size_t column) {
    return samples.values ? samples.values[row * outputs + column]
                          : static_cast<T>(samples.labels[row] != 0);
}

// Calls action with the outputs of a block, a vector of them at a time; `of` reads the target.
template <class T, class Target, class Action> inline void each_vector_of_outputs(
    const Matrix& W, size_t rows, const T* Z, Target of, Action action) {
    SomeOutputs<T> some{};
    for (size_t row = 0; row < rows; ++row)
        for (size_t column = 0; column < W.outputs; ++column) {
            const size_t i = some.count++;
            some.rows[i] = row, some.columns[i] = column;
            some.z[i] = Z[row * W.stride() + column];
            some.y[i] = of(row, column);
            if (some.count < lanes<T>) continue;
            action(some);
            some = {};
        }
    if (some.count > 0) action(some);
}

// O4, O2 and O3: turns Z into dZ. A row is predicted right if all of its labels are; at z = 0 the
// label is 0.
template <class Of, class T> [[gnu::noinline]] void single_gradient(
    const Matrix& W, const Samples<T>& samples, size_t first, size_t rows, T* Z, Metrics& metrics) {
    size_t correct = 0, right = 0;  // right: labels of the row so far
    Losses<T> found;
    each_vector_of_outputs(
        W, rows, Z,
        [&](size_t row, size_t column) {
            return target(samples, samples.row(first + row), W.outputs, column);
        },
        [&](const SomeOutputs<T>& some) {
            Of::losses(some, found);
            for (size_t i = 0; i < some.count; ++i) {
                const T share = samples.share_of(first + some.rows[i]);
                const double loss = samples.loss_scale * found.losses[i];
                metrics.cost += static_cast<double>(share) * loss;
                Z[some.rows[i] * W.stride() + some.columns[i]] = share * found.slopes[i];
                if (some.columns[i] == 0) right = 0;
                right += some.y[i] != 0 ? some.z[i] > 0 : some.z[i] <= 0;
                correct += some.columns[i] + 1 == W.outputs && right == W.outputs;
            }
        });
    for (size_t row = 0; row < rows; ++row)
        for (size_t column = W.outputs; column < W.stride(); ++column)
            Z[row * W.stride() + column] = 0;
    metrics.correct += Of::labels ? static_cast<double>(correct) : __builtin_nan("");
}

// O1: one row per sample.
template <class Of, class T>
[[gnu::noinline]] void single_outputs(const Layout& layout, size_t rows, const T* Z, T* to) {
    const size_t columns = layout.columns();
    const auto none = [](size_t, size_t) { return T(0); };
    each_vector_of_outputs(layout.last().W, rows, Z, none, [&](const SomeOutputs<T>& some) {
        T outputs[lanes<T>], others[lanes<T>];  // of two classes, the probability of class 0
        store(outputs, Of::output(load(some.z)));
        if (layout.predicts_classes()) store(others, Of::output(-load(some.z)));
        for (size_t i = 0; i < some.count; ++i) {
            T* const place = to + some.rows[i] * columns + some.columns[i];
            if (layout.predicts_classes()) {
                place[0] = others[i], place[1] = outputs[i];
            } else {
                *place = outputs[i];
            }
        }
    });
}

}  // namespace handgrad::HANDGRAD_VARIANT
