// Softmax: one logit for each class of a sample. Padding classes have the logit −∞, and so the
// probability 0.
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

// O4: the first class whose logit is the largest.
template <class T> inline T predicted(const T* z, size_t stride, Vector<T> top) {
    const Vector<T> none = broadcast(static_cast<T>(stride));
    Vector<T> classes{}, first = none;
    for (size_t lane = 0; lane < lanes<T>; ++lane) classes[lane] = static_cast<T>(lane);
    for (size_t k = 0; k < stride; k += lanes<T>, classes += static_cast<T>(lanes<T>))
        first = smaller<T>(first, load(z + k) == top ? classes : none);
    return reduce<T>(first, smaller<T>)[0];
}

// O4, O2 and O3: turns Z into dZ.
template <class T> inline void softmax_gradient(const Samples<T>& samples, size_t first,
    size_t rows, size_t stride, T* Z, T* sums, Metrics& metrics) {
    size_t correct = 0;
    double logits = 0;  // Σ share (largest − logit of the label)
    for (size_t r = 0; r < rows; ++r) {
        const size_t row = samples.row(first + r);
        const size_t label = static_cast<size_t>(samples.labels[row]);
        const T share = samples.share_of(first + r);
        T* z = Z + r * stride;
        const T logit = z[label];
        const Vector<T> top = largest_logit(z, stride);
        correct += predicted(z, stride, top) == static_cast<T>(label);
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
    metrics.correct += static_cast<double>(correct);
}

// O1: one row of probabilities per sample.
template <class T> inline void softmax_outputs(const Matrix& W, size_t rows, T* Z, T* to) {
    const size_t stride = W.stride();
    for (size_t r = 0; r < rows; ++r) {
        T* z = Z + r * stride;
        const Vector<T> sum = exponentiate(z, stride, largest_logit(z, stride));
        for (size_t k = 0; k < stride; k += lanes<T>) store(z + k, load(z + k) / sum);
        __builtin_memcpy(to + r * W.outputs, z, W.outputs * sizeof(T));
    }
}

}  // namespace handgrad::HANDGRAD_VARIANT
