// The passes of a batch for networks with wide layers (schedule/weight_parts.hpp). Rows are carried
// forward and back, which leaves each layer's A and dZ; then each part of the weights gets its
// gradient from all rows of the batch at once.
#pragma once

#include "network/passes.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Z1 of some samples' dense rows, which become numbers of type T in X.
template <class T> void first_layer(const Parameters<T>& network, const Samples<T>& samples,
    size_t first, size_t rows, T* X, size_t X_stride, T* Z1) {
    const Layer& layer = network.layout->first();
    const size_t D = layer.W.inputs;
    with_values(*samples.rows, 0, [&](const auto* values) {
        for (size_t r = 0; r < rows; ++r) {
            const auto* row = values + samples.row(first + r) * samples.rows->stride;
            T* const to = X + r * X_stride;
            for (size_t d = 0; d < D; ++d) to[d] = read(row[d], samples.value_scale());
        }
    });
    repeat_bias(network.values + layer.b_start, rows, layer.W.stride(), Z1);
    forward_dense(layer.W, network.values + layer.W_start, X, X_stride, rows, 0, D, Z1);
}

// From some samples' Z1 to the dZ of all layers. Metrics are those of scratch.block rows each.
template <class T> void carry(const Parameters<T>& network, const Samples<T>& samples, size_t first,
    size_t rows, const Scratch<T>& scratch, Metrics* metrics) {
    const Layout& layout = *network.layout;
    const size_t last = layout.depth - 1, stride = layout.last().W.stride();
    forward_behind_first(network, rows, scratch);
    for (size_t r = 0; r < rows; r += scratch.block, ++metrics) {
        const size_t count = rows - r < scratch.block ? rows - r : scratch.block;
        *metrics = Metrics{};
        output_gradient(layout, samples, first + r, count, scratch.dZ[last] + r * stride,
            scratch.sums, *metrics);
    }
    for (size_t l = last; l > 0; --l) carry_back(network, l, rows, scratch);
}

// dW += Aᵀ · dZ of a part of the weights, one row of a panel's width per input.
template <class T> void part_gradient(const Matrix& W, const WeightPart& part, const T* A,
    size_t A_stride, const T* dZ, size_t rows, T* dW) {
    with_width<1, panel_vectors>(W.width(part.output) / lanes<T>, [&](auto P) {
        backward_panel<P>(
            A + part.input, A_stride, rows, part.inputs, dZ + part.output, W.stride(), dW);
    });
}

// db += the sum of dZ's rows.
template <class T> void bias_gradient(const T* dZ, size_t rows, size_t stride, T* db) {
    add_rows(dZ, rows, stride, db);
}

// Brings a part of the transposed weights up to date, in squares of L × L numbers. What pads their
// rows is zero.
template <class T>
void transpose_part(const Layer& layer, const WeightPart& part, const T* W, T* W_back) {
    constexpr size_t L = lanes<T>;
    const size_t end = part.input + part.inputs;
    const size_t outputs = part.output + layer.W.width(part.output);
    for (size_t input = part.input; input < end; input += L)
        for (size_t output = part.output; output < outputs; output += L) {
            Vector<T> square[L];
#pragma GCC unroll 16
            for (size_t i = 0; i < L; ++i)
                square[i] = input + i < end ? load(W + layer.W.at(input + i, output)) : Vector<T>{};
            transpose<T>(square);
#pragma GCC unroll 16
            for (size_t i = 0; i < L; ++i)
                if (output + i < layer.W.outputs)
                    store(W_back + layer.W_back.at(output + i, input), square[i]);
        }
}

}  // namespace handgrad::HANDGRAD_VARIANT
