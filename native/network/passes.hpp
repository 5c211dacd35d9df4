// The passes of the notes over one block of rows while it is in cache. Matrices of a block lie
// row by row, one sample per row, padded to whole vectors: the transposes of the notes' Z1, A1, Z2.
#pragma once

#include "network/first_layer.hpp"
#include "network/head.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Z = b in every row.
template <class T> inline void repeat_bias(const T* bias, size_t rows, size_t stride, T* Z) {
    for (size_t r = 0; r < rows; ++r)
        for (size_t j = 0; j < stride; j += lanes<T>) store(Z + r * stride + j, load(bias + j));
}

// B3, B7: db += sum of dZ's rows.
template <class T> inline void add_rows(const T* dZ, size_t rows, size_t stride, T* db) {
    for (size_t j = 0; j < stride; j += lanes<T>) {
        Vector<T> sum = load(db + j);
        for (size_t r = 0; r < rows; ++r) sum += load(dZ + r * stride + j);
        store(db + j, sum);
    }
}

template <class T> inline void rectify(T* Z1, size_t size) {  // F2; NaN stays NaN
    for (size_t j = 0; j < size; j += lanes<T>) {
        const Vector<T> z = load(Z1 + j);
        store(Z1 + j, z < 0 ? Vector<T>{} : z);
    }
}

template <class T> inline void mask(const T* A1, size_t size, T* dA1) {  // B5
    for (size_t j = 0; j < size; j += lanes<T>) {
        const Vector<T> d = load(dA1 + j);
        store(dA1 + j, load(A1 + j) > 0 ? d : Vector<T>{});
    }
}

// F1 to F3, from the block's rows on; leaves A1 and Z2 in the scratch.
template <class T, class Forward> inline void forward(
    const Parameters<T>& network, size_t rows, const Scratch<T>& scratch, Forward first_layer) {
    const Layer &hidden = network.layout->first(), &output = network.layout->last();
    repeat_bias(network.values + hidden.b_start, rows, hidden.W.stride(), scratch.A1);
    first_layer(scratch.A1);
    rectify(scratch.A1, rows * hidden.W.stride());
    repeat_bias(network.values + output.b_start, rows, output.W.stride(), scratch.dZ2);
    forward_dense(output.W, network.values + output.W_start, scratch.A1, hidden.W.stride(), rows, 0,
        output.W.inputs, scratch.dZ2);
}

// B2 to B5 and B7, from dZ2 on; leaves dZ1 in the scratch for B6.
template <class T> inline void backward(const Parameters<T>& network, size_t rows,
    const Scratch<T>& scratch, const Layout& gradient_layout, T* gradient) {
    const Layer &output = network.layout->last(), &d_output = gradient_layout.last();
    const Matrix &W2 = output.W, &W2_back = output.W_back;
    const size_t Hp = W2_back.stride(), Kp = W2.stride();
    T* const dW2 = gradient + d_output.W_start;
    T* const db1 = gradient + gradient_layout.first().b_start;
    const T* const back = network.W_back + output.back_start;
    backward_dense(W2, dW2, scratch.A1, Hp, rows, 0, W2.inputs, scratch.dZ2);  // B2
    add_rows(scratch.dZ2, rows, Kp, gradient + d_output.b_start);              // B3
    __builtin_memset(scratch.dZ1, 0, rows * Hp * sizeof(T));
    forward_dense(W2_back, back, scratch.dZ2, Kp, rows, 0, W2.outputs, scratch.dZ1);  // B4
    mask(scratch.A1, rows * Hp, scratch.dZ1);                                         // B5
    add_rows(scratch.dZ1, rows, Hp, db1);                                             // B7
}

template <class T> Metrics step(const Parameters<T>& network, const Samples<T>& samples,
    size_t begin, size_t end, const Scratch<T>& scratch, const Layout& gradient_layout,
    T* gradient) {
    Metrics metrics;
    __builtin_memset(gradient, 0, gradient_layout.size() * sizeof(T));
    each_block(network, samples, begin, end, scratch,
        [&](size_t first, size_t rows, auto first_layer, auto first_layer_back) {
            forward(network, rows, scratch, first_layer);
            output_gradient(*network.layout, samples, first, rows, scratch, metrics);
            backward(network, rows, scratch, gradient_layout, gradient);
            first_layer_back(gradient_layout.first().W, gradient);  // B6
        });
    return metrics;
}

template <class T> Metrics cost(const Parameters<T>& network, const Samples<T>& samples,
    size_t begin, size_t end, const Scratch<T>& scratch) {
    Metrics metrics;
    each_block(network, samples, begin, end, scratch,
        [&](size_t first, size_t rows, auto first_layer, auto) {
            forward(network, rows, scratch, first_layer);
            output_gradient(*network.layout, samples, first, rows, scratch, metrics);
        });
    return metrics;
}

template <class T> void predict(const Parameters<T>& network, const Samples<T>& samples,
    size_t begin, size_t end, const Scratch<T>& scratch, T* probabilities) {
    const Layout& layout = *network.layout;
    each_block(network, samples, begin, end, scratch,
        [&](size_t first, size_t rows, auto first_layer, auto) {
            forward(network, rows, scratch, first_layer);
            write_probabilities(
                layout, rows, scratch.dZ2, probabilities + first * layout.classes());
        });
}

}  // namespace handgrad::HANDGRAD_VARIANT
