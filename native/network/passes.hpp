// The passes of the notes over one block of rows while it is in cache. Matrices of a block lie
// row by row, one sample per row, padded to whole vectors: the transposes of the notes' Z1, A1, Z2.
#pragma once

#include "network/head.hpp"
#include "rows/block.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Calls action(first, rows, forward, backward) for each block of the samples from begin to end:
// the two products of the first layer, over non-zeros or dense.
template <class T, class Action> inline void each_block(const Parameters<T>& network,
    const Samples<T>& samples, size_t begin, size_t end, const Scratch<T>& scratch, Action action) {
    const Matrix& W1 = network.layout->first().W;
    const size_t D = samples.rows->features;
    const auto over_nonzeros = [&](size_t first, size_t rows, auto index) {
        with_gathered<T, decltype(index)>(samples, first, rows, scratch, [&](const auto& x) {
            action(
                first, rows, [&](T* Z1) { forward_sparse(W1, network.values, x, rows, Z1); },
                [&](const Matrix& dW1, T* gradient) {
                    backward_sparse(dW1, gradient, x, rows, scratch.dZ1);
                });
        });
    };
    const auto over_csc = [&](size_t first, size_t rows, auto index) {
        const auto forward = [&](T* Z1) {
            for (size_t part = 0; part < rows; part += scratch.part) {
                const size_t count = rows - part < scratch.part ? rows - part : scratch.part;
                with_consecutive<T, decltype(index)>(
                    samples, first + part, count, scratch, [&](const auto& x) {
                        forward_sparse(W1, network.values, x, count, Z1 + part * W1.stride());
                    });
            }
        };
        action(first, rows, forward, [&](const Matrix& dW1, T* gradient) {
            Rows columns = *samples.rows;
            const CscBlocks& csc = *columns.csc;
            columns.values = csc.values;
            const uint32_t* starts = csc.starts + first / CscBlocks::block * (D + 1);
            const size_t begin = columns.starts[first];
            with_values(columns, begin, [&](const auto* stored) {
                const auto* values = numbers<T, true>(stored, columns.starts[first + rows] - begin,
                    scratch.values, samples.value_scale());
                each_panel<T>(dW1, [&](auto P, size_t output) {
                    const T* const dZ1 = scratch.dZ1 + output;
                    T* const to = gradient + dW1.row(output, 0);
                    if (samples.scale_sums)
                        backward_columns<P>(
                            starts, D, csc.rows + begin, values, dZ1, dW1.stride(), to);
                    else
                        backward_csc<P>(starts, D, csc.rows + begin, values, dZ1, dW1.stride(),
                            scale_of_sums(samples, values), to);
                });
            });
        });
    };
    const auto over_dense = [&](size_t first, size_t rows) {
        const auto each_chunk = [&](auto product) {
            for (size_t from = 0; from < D; from += scratch.features) {
                const size_t count = D - from < scratch.features ? D - from : scratch.features;
                const auto x = dense_chunk(samples, first, rows, from, count, scratch);
                product(from, count, x);
            }
        };
        action(
            first, rows,
            [&](T* Z1) {
                each_chunk([&](size_t from, size_t count, const DenseChunk<T>& x) {
                    forward_dense(W1, network.values, x.values, x.stride, rows, from, count, Z1);
                });
            },
            [&](const Matrix& dW1, T* gradient) {
                each_chunk([&](size_t from, size_t count, const DenseChunk<T>& x) {
                    backward_dense(
                        dW1, gradient, x.values, x.stride, rows, from, count, scratch.dZ1);
                });
            });
    };
    for (size_t first = begin; first < end; first += scratch.block) {
        const size_t rows = end - first < scratch.block ? end - first : scratch.block;
        if (!samples.nonzeros())
            over_dense(first, rows);
        else
            with_index(samples.rows->short_indices, [&](auto index) {
                samples.rows->csc ? over_csc(first, rows, index)
                                  : over_nonzeros(first, rows, index);
            });
    }
}

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

template <class T> inline void scale_by(T scale, T* values, size_t count) {
    if (scale == 1) return;
    for (size_t i = 0; i < count; i += lanes<T>) store(values + i, scale * load(values + i));
}

template <class T> Metrics step(const Parameters<T>& network, const Samples<T>& samples,
    size_t begin, size_t end, const Scratch<T>& scratch, const Layout& gradient_layout,
    T* gradient) {
    Metrics metrics;
    if (gradient) __builtin_memset(gradient, 0, gradient_layout.size() * sizeof(T));
    each_block(network, samples, begin, end, scratch,
        [&](size_t first, size_t rows, auto first_layer, auto first_layer_back) {
            forward(network, rows, scratch, first_layer);
            output_gradient(*network.layout, samples, first, rows, scratch, metrics);
            if (!gradient) return;
            backward(network, rows, scratch, gradient_layout, gradient);
            first_layer_back(gradient_layout.first().W, gradient);  // B6
        });
    if (gradient) scale_by(samples.sum_scale(), gradient, gradient_layout.first().W.size());
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
