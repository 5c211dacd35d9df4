// The passes through all layers and back over one block of rows while it is in cache. Matrices of a block lie
// row by row, one sample per row, padded to whole vectors: the transposes of the formulas' Z and A.
#pragma once

#include "network/activations.hpp"
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
                    backward_sparse(dW1, gradient, x, rows, scratch.dZ[0]);
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
                    const T* const dZ1 = scratch.dZ[0] + output;
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
                        dW1, gradient, x.values, x.stride, rows, from, count, scratch.dZ[0]);
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

// L4: db += sum of dZ's rows.
template <class T> inline void add_rows(const T* dZ, size_t rows, size_t stride, T* db) {
    for (size_t j = 0; j < stride; j += lanes<T>) {
        Vector<T> sum = load(db + j);
        for (size_t r = 0; r < rows; ++r) sum += load(dZ + r * stride + j);
        store(db + j, sum);
    }
}

// From the first layer's Z through all layers behind it (L2 and L1).
template <class T> [[gnu::noinline]] void forward_behind_first(
    const Parameters<T>& network, size_t rows, const Scratch<T>& scratch) {
    const Layout& layout = *network.layout;
    for (size_t l = 1; l < layout.depth; ++l) {
        const Layer &before = layout.layers[l - 1], &layer = layout.layers[l];
        const size_t stride = before.W.stride();
        T* const A = scratch.A[l - 1];
        T* const Z = l + 1 < layout.depth ? scratch.A[l] : scratch.dZ[l];
        activate(before.activation, A, rows * stride);
        repeat_bias(network.values + layer.b_start, rows, layer.W.stride(), Z);
        forward_dense(
            layer.W, network.values + layer.W_start, A, stride, rows, 0, layer.W.inputs, Z);
    }
}

// From the block's rows through all layers (L1 and L2); leaves each hidden layer's A and the logits in the scratch.
template <class T, class Forward> inline void forward(
    const Parameters<T>& network, size_t rows, const Scratch<T>& scratch, Forward first_layer) {
    const Layout& layout = *network.layout;
    const Layer& first = layout.first();
    T* const Z1 = layout.depth > 1 ? scratch.A[0] : scratch.dZ[0];
    repeat_bias(network.values + first.b_start, rows, first.W.stride(), Z1);
    first_layer(Z1);
    forward_behind_first(network, rows, scratch);
}

// L5 and L6: the dZ of the layer before l, from that of l.
template <class T> inline void carry_back(
    const Parameters<T>& network, size_t l, size_t rows, const Scratch<T>& scratch) {
    const Layer &before = network.layout->layers[l - 1], &layer = network.layout->layers[l];
    const size_t inputs = before.W.stride(), outputs = layer.W.stride();
    T* const dA = scratch.dZ[l - 1];
    __builtin_memset(dA, 0, rows * inputs * sizeof(T));
    forward_dense(layer.W_back, network.W_back + layer.back_start, scratch.dZ[l], outputs, rows, 0,
        layer.W.outputs, dA);
    multiply_by_slope(before.activation, scratch.A[l - 1], rows * inputs, dA);
}

// From the last layer's dZ back through all layers (L3 to L6), but without the first layer's dW;
// leaves its dZ in the scratch for that.
template <class T> [[gnu::noinline]] void backward(const Parameters<T>& network, size_t rows,
    const Scratch<T>& scratch, const Layout& gradient_layout, T* gradient) {
    const Layout& layout = *network.layout;
    for (size_t l = layout.depth - 1; l > 0; --l) {
        const Layer &layer = layout.layers[l], &of_gradient = gradient_layout.layers[l];
        const T* const dZ = scratch.dZ[l];
        backward_dense(layer.W, gradient + of_gradient.W_start, scratch.A[l - 1],
            layout.layers[l - 1].W.stride(), rows, 0, layer.W.inputs, dZ);     // L3
        add_rows(dZ, rows, layer.W.stride(), gradient + of_gradient.b_start);  // L4
        carry_back(network, l, rows, scratch);
    }
    add_rows(scratch.dZ[0], rows, layout.first().W.stride(),
        gradient + gradient_layout.first().b_start);  // L4
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
            output_gradient(*network.layout, samples, first, rows,
                scratch.dZ[network.layout->depth - 1], scratch.sums, metrics);
            if (!gradient) return;
            backward(network, rows, scratch, gradient_layout, gradient);
            first_layer_back(gradient_layout.first().W, gradient);  // L3
        });
    if (gradient) scale_by(samples.sum_scale(), gradient, gradient_layout.first().W.size());
    return metrics;
}

template <class T> void predict(const Parameters<T>& network, const Samples<T>& samples,
    size_t begin, size_t end, const Scratch<T>& scratch, T* outputs) {
    const Layout& layout = *network.layout;
    each_block(network, samples, begin, end, scratch,
        [&](size_t first, size_t rows, auto first_layer, auto) {
            forward(network, rows, scratch, first_layer);
            write_outputs(layout, rows, scratch, outputs + first * layout.columns());
        });
}

}  // namespace handgrad::HANDGRAD_VARIANT
