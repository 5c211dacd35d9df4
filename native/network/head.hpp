// The output of the network, over a block of rows: from the logits Z2 to predictions (F5), cost
// (C1) and dZ2 (B1), or to probabilities (F4).
#pragma once

#include "rows/rows.hpp"
#include "variants/functions.hpp"
#include "variants/kernels.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Turns a row of logits into exp(z − largest); returns their sum in every lane.
template <class T> inline Vector<T> exponentiate(T* z, size_t stride, Vector<T> top) {
    Vector<T> sum{};
    for (size_t k = 0; k < stride; k += lanes<T>) {
        const Vector<T> e = exponential<T>(load(z + k) - top);
        store(z + k, e);
        sum += e;
    }
    return sum_of_lanes<T>(sum);
}

// The largest logit of a row, in every lane.
template <class T> inline Vector<T> largest_logit(const T* z, size_t stride) {
    Vector<T> top = load(z);
    for (size_t k = lanes<T>; k < stride; k += lanes<T>) top = larger<T>(top, load(z + k));
    return reduce<T>(top, larger<T>);
}

// F5: the first class whose logit is the largest.
template <class T> inline T predicted(const T* z, size_t stride, Vector<T> top) {
    const Vector<T> none = broadcast(static_cast<T>(stride));
    Vector<T> classes{}, first = none;
    for (size_t lane = 0; lane < lanes<T>; ++lane) classes[lane] = static_cast<T>(lane);
    for (size_t k = 0; k < stride; k += lanes<T>, classes += static_cast<T>(lanes<T>))
        first = smaller<T>(first, load(z + k) == top ? classes : none);
    return reduce<T>(first, smaller<T>)[0];
}

template <class T> inline void softmax_gradient(const Samples<T>& samples, size_t first,
    size_t rows, size_t stride, T* Z2, T* sums, Metrics& metrics) {
    double logits = 0;  // Σ share (largest − logit of the label)
    for (size_t r = 0; r < rows; ++r) {
        const size_t row = samples.row(first + r);
        const size_t label = static_cast<size_t>(samples.labels[row]);
        const T share = samples.share_of(first + r);
        T* z = Z2 + r * stride;
        const T logit = z[label];
        const Vector<T> top = largest_logit(z, stride);
        metrics.correct += predicted(z, stride, top) == static_cast<T>(label);
        const Vector<T> sum = exponentiate(z, stride, top);
        const Vector<T> scale = share / sum;
        for (size_t k = 0; k < stride; k += lanes<T>) store(z + k, load(z + k) * scale);
        z[label] -= share;
        sums[r] = sum[0];
        logits += static_cast<double>(share) * (static_cast<double>(top[0]) - logit);
    }
    for (size_t r = rows; r % lanes<T> != 0; ++r) sums[r] = 1;
    for (size_t r = 0; r < rows; r += lanes<T>) store(sums + r, logarithm<T>(load(sums + r)));
    for (size_t r = 0; r < rows; ++r) {
        size_t sample = first + r;
        asm("" : "+r"(sample));  // no vectors, so that each product is rounded with its sum
        logits += static_cast<double>(samples.share_of(sample)) * sums[r];
    }
    metrics.cost += logits;
}

// Calls action(first, count, logits) for the logistic output's rows, as many at a time as a vector
// has lanes; the vector is padded with zeros.
template <class T, class Action>
inline void each_vector_of_logits(const T* Z2, size_t rows, size_t stride, Action action) {
    for (size_t first = 0; first < rows; first += lanes<T>) {
        const size_t count = rows - first < lanes<T> ? rows - first : lanes<T>;
        T logits[lanes<T>] = {};
        for (size_t i = 0; i < count; ++i) logits[i] = Z2[(first + i) * stride];
        action(first, count, logits);
    }
}

// With t = z for label 0 and −z for label 1, the loss is log(1 + exp(t)), and dZ2 is σ(t) times
// the share, negative for label 1: no difference of large numbers, whatever z is.
template <class T> [[gnu::noinline]] void logistic_gradient(
    const Samples<T>& samples, size_t first, size_t rows, size_t stride, T* Z2, Metrics& metrics) {
    each_vector_of_logits(Z2, rows, stride, [&](size_t from, size_t count, T* t) {
        bool ones[lanes<T>] = {};
        for (size_t i = 0; i < count; ++i) {
            ones[i] = samples.labels[samples.row(first + from + i)] != 0;
            metrics.correct += ones[i] ? t[i] > 0 : t[i] <= 0;  // F5; at 0 class 0
            if (ones[i]) t[i] = -t[i];
        }
        T losses[lanes<T>], slopes[lanes<T>];
        store(losses, log_one_plus_exp<T>(load(t)));
        store(slopes, sigmoid<T>(load(t)));
        for (size_t i = 0; i < count; ++i) {
            const T share = samples.share_of(first + from + i);
            metrics.cost += static_cast<double>(share) * static_cast<double>(losses[i]);
            Vector<T> row{};
            row[0] = (ones[i] ? -share : share) * slopes[i];
            store(Z2 + (from + i) * stride, row);
        }
    });
}

// F5, C1 and B1: turns Z2 into dZ2, and adds cost and hits to the metrics.
template <class T> inline void output_gradient(const Layout& layout, const Samples<T>& samples,
    size_t first, size_t rows, const Scratch<T>& scratch, Metrics& metrics) {
    const size_t stride = layout.last().W.stride();
    if (layout.output == Output::logistic)
        logistic_gradient(samples, first, rows, stride, scratch.dZ2, metrics);
    else
        softmax_gradient(samples, first, rows, stride, scratch.dZ2, scratch.sums, metrics);
}

template <class T>
[[gnu::noinline]] void logistic_probabilities(size_t rows, size_t stride, const T* Z2, T* to) {
    each_vector_of_logits(Z2, rows, stride, [&](size_t from, size_t count, const T* z) {
        T zeros[lanes<T>], ones[lanes<T>];
        store(zeros, sigmoid<T>(-load(z)));
        store(ones, sigmoid<T>(load(z)));
        for (size_t i = 0; i < count; ++i) {
            to[(from + i) * 2] = zeros[i];
            to[(from + i) * 2 + 1] = ones[i];
        }
    });
}

// F4: one row of probabilities per sample.
template <class T>
inline void write_probabilities(const Layout& layout, size_t rows, T* Z2, T* to) {
    const size_t K = layout.last().W.outputs, stride = layout.last().W.stride();
    if (layout.output == Output::logistic) return logistic_probabilities(rows, stride, Z2, to);
    for (size_t r = 0; r < rows; ++r) {
        T* z = Z2 + r * stride;
        const Vector<T> sum = exponentiate(z, stride, largest_logit(z, stride));
        for (size_t k = 0; k < stride; k += lanes<T>) store(z + k, load(z + k) / sum);
        __builtin_memcpy(to + r * K, z, K * sizeof(T));
    }
}

}  // namespace handgrad::HANDGRAD_VARIANT
