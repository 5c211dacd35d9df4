// The passes of the notes over one block of rows while it is in cache. Matrices of a block lie
// row by row, one sample per row, padded to whole vectors: the transposes of the notes' Z1, A1, Z2.
#pragma once

#include "block.hpp"
#include "functions.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Z = b in every row.
template <class T>
inline void repeat_bias(const T* bias, std::size_t rows, std::size_t stride, T* Z) {
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t j = 0; j < stride; j += lanes<T>)
            store(Z + r * stride + j, load(bias + j));
}

// B3, B7: db += sum of dZ's rows.
template <class T>
inline void add_rows(const T* dZ, std::size_t rows, std::size_t stride, T* db) {
    for (std::size_t j = 0; j < stride; j += lanes<T>) {
        Vector<T> sum = load(db + j);
        for (std::size_t r = 0; r < rows; ++r) sum += load(dZ + r * stride + j);
        store(db + j, sum);
    }
}

template <class T>
inline void rectify(T* Z1, std::size_t size) {  // F2; NaN stays NaN
    for (std::size_t j = 0; j < size; j += lanes<T>) {
        const Vector<T> z = load(Z1 + j);
        store(Z1 + j, z < 0 ? Vector<T>{} : z);
    }
}

template <class T>
inline void mask(const T* A1, std::size_t size, T* dA1) {  // B5
    for (std::size_t j = 0; j < size; j += lanes<T>) {
        const Vector<T> d = load(dA1 + j);
        store(dA1 + j, load(A1 + j) > 0 ? d : Vector<T>{});
    }
}

// Turns a row of logits into exp(z − largest); returns their sum in every lane.
template <class T> inline Vector<T> exponentiate(T* z, std::size_t stride, Vector<T> top) {
    Vector<T> sum{};
    for (std::size_t k = 0; k < stride; k += lanes<T>) {
        const Vector<T> e = exponential<T>(load(z + k) - top);
        store(z + k, e);
        sum += e;
    }
    return sum_of_lanes<T>(sum);
}

// The largest logit of a row, in every lane.
template <class T> inline Vector<T> largest_logit(const T* z, std::size_t stride) {
    Vector<T> top = load(z);
    for (std::size_t k = lanes<T>; k < stride; k += lanes<T>) top = larger<T>(top, load(z + k));
    return largest_lane<T>(top);
}

// F5: the first class whose logit is the largest.
template <class T> inline T predicted(const T* z, std::size_t stride, Vector<T> top) {
    const Vector<T> none = broadcast(static_cast<T>(stride));
    Vector<T> classes = numbered_lanes<T>(), first = none;
    for (std::size_t k = 0; k < stride; k += lanes<T>, classes += static_cast<T>(lanes<T>))
        first = smaller<T>(first, load(z + k) == top ? classes : none);
    return smallest_lane<T>(first)[0];
}

// F4, C1 and B1: turns Z2 into dZ2, and adds cost and hits to the totals.
template <class T>
inline void output_gradient(
    const Samples<T>& samples, std::size_t first, std::size_t rows, std::size_t stride, T* Z2,
    T* sums, Totals& totals) {
    double logits = 0;  // Σ share (largest − logit of the label)
    for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t row = samples.row(first + r);
        const std::size_t label = static_cast<std::size_t>(samples.labels[row]);
        const T share = samples.shares ? samples.shares[first + r] : samples.share;
        T* z = Z2 + r * stride;
        const T logit = z[label];
        const Vector<T> top = largest_logit(z, stride);
        totals.correct += predicted(z, stride, top) == static_cast<T>(label);
        const Vector<T> sum = exponentiate(z, stride, top);
        const Vector<T> scale = share / sum;
        for (std::size_t k = 0; k < stride; k += lanes<T>)
            store(z + k, load(z + k) * scale);
        z[label] -= share;
        if (samples.pinned) z[0] = 0;
        sums[r] = sum[0];
        logits += static_cast<double>(share) * (static_cast<double>(top[0]) - logit);
    }
    for (std::size_t r = rows; r % lanes<T> != 0; ++r) sums[r] = 1;
    for (std::size_t r = 0; r < rows; r += lanes<T>) store(sums + r, logarithm<T>(load(sums + r)));
    for (std::size_t r = 0; r < rows; ++r) {
        std::size_t sample = first + r;
        asm("" : "+r"(sample));  // no vectors, so that each product is rounded with its sum
        const T share = samples.shares ? samples.shares[sample] : samples.share;
        logits += static_cast<double>(share) * sums[r];
    }
    totals.cost += logits;
}

// F1 to F3, from the block's rows on; leaves A1 and Z2 in the scratch.
template <class T, class Forward>
inline void forward(
    const Parameters<T>& network, std::size_t rows, const Scratch<T>& scratch, Forward first_layer) {
    const Layout& layout = *network.layout;
    repeat_bias(network.values + layout.b1(), rows, layout.W1.stride(), scratch.A1);
    first_layer(scratch.A1);
    rectify(scratch.A1, rows * layout.W1.stride());
    repeat_bias(network.values + layout.b2(), rows, layout.W2.stride(), scratch.dZ2);
    forward_dense(
        layout.W2, network.values + layout.W2_start(), scratch.A1, layout.W1.stride(), rows, 0,
        layout.H, scratch.dZ2);
}

// B2 to B5 and B7, from dZ2 on; leaves dZ1 in the scratch for B6.
template <class T>
inline void backward(
    const Parameters<T>& network, std::size_t rows, const Scratch<T>& scratch,
    const Layout& gradient_layout, T* gradient) {
    const Layout& layout = *network.layout;
    const std::size_t Hp = layout.W1.stride(), Kp = layout.W2.stride();
    backward_dense(
        layout.W2, gradient + gradient_layout.W2_start(), scratch.A1, Hp, rows, 0, layout.H,
        scratch.dZ2);                                                             // B2
    add_rows(scratch.dZ2, rows, Kp, gradient + gradient_layout.b2());              // B3
    __builtin_memset(scratch.dZ1, 0, rows * Hp * sizeof(T));
    forward_dense(
        layout.W2_back, network.W2_back, scratch.dZ2, Kp, rows, 0, layout.K, scratch.dZ1);  // B4
    mask(scratch.A1, rows * Hp, scratch.dZ1);                                      // B5
    add_rows(scratch.dZ1, rows, Hp, gradient + gradient_layout.b1());              // B7
}

template <class T> inline bool takes_nonzeros(const Samples<T>& samples) {
    return samples.rows->sparse() || samples.skip_zeros;
}

template <class T> inline bool short_indices(const Samples<T>& samples) {
    return samples.rows->sparse() ? samples.rows->short_indices
                                  : samples.rows->features <= 65536;
}

// Calls action(first, rows, forward, backward) for each block of the samples from begin to end:
// the two products of the first layer, over non-zeros or dense.
template <class T, class Action>
inline void each_block(
    const Parameters<T>& network, const Samples<T>& samples, std::size_t begin, std::size_t end,
    const Scratch<T>& scratch, Action action) {
    const Matrix& W1 = network.layout->W1;
    const std::size_t D = samples.rows->features;
    const auto over_nonzeros = [&](std::size_t first, std::size_t rows, auto index) {
        const auto x = gather_block<T, decltype(index)>(samples, first, rows, scratch);
        action(
            first, rows, [&](T* Z1) { forward_sparse(W1, network.values, x, rows, Z1); },
            [&](const Matrix& dW1, T* gradient) {
                backward_sparse(dW1, gradient, x, rows, scratch.dZ1);
            });
    };
    const auto over_columns = [&](std::size_t first, std::size_t rows, auto index) {
        const auto forward = [&](T* Z1) {
            for (std::size_t part = 0; part < rows; part += scratch.part) {
                const std::size_t count = rows - part < scratch.part ? rows - part : scratch.part;
                with_neighbours<T, decltype(index)>(
                    samples, first + part, count, scratch, [&](const auto& x) {
                        forward_sparse(W1, network.values, x, count, Z1 + part * W1.stride());
                    });
            }
        };
        action(first, rows, forward, [&](const Matrix& dW1, T* gradient) {
            const Columns& columns = *samples.rows->columns;
            const std::uint32_t* starts = columns.starts + first / Columns::block * (D + 1);
            with_column_values(samples, first, rows, scratch, [&](const auto* values) {
                each_panel<T>(dW1, [&](auto P, std::size_t output) {
                    backward_columns<P>(
                        starts, D, columns.rows + samples.rows->starts[first], values,
                        scratch.dZ1 + output, dW1.stride(), static_cast<T>(samples.rows->scale),
                        gradient + dW1.row(output, 0));
                });
            });
        });
    };
    const auto over_dense = [&](std::size_t first, std::size_t rows) {
        const auto each_chunk = [&](auto product) {
            for (std::size_t from = 0; from < D; from += scratch.features) {
                const std::size_t count =
                    D - from < scratch.features ? D - from : scratch.features;
                const auto x = dense_chunk(samples, first, rows, from, count, scratch);
                product(from, count, x);
            }
        };
        action(
            first, rows,
            [&](T* Z1) {
                each_chunk([&](std::size_t from, std::size_t count, const DenseChunk<T>& x) {
                    forward_dense(W1, network.values, x.values, x.stride, rows, from, count, Z1);
                });
            },
            [&](const Matrix& dW1, T* gradient) {
                each_chunk([&](std::size_t from, std::size_t count, const DenseChunk<T>& x) {
                    backward_dense(
                        dW1, gradient, x.values, x.stride, rows, from, count, scratch.dZ1);
                });
            });
    };
    for (std::size_t first = begin; first < end; first += scratch.block) {
        const std::size_t rows = end - first < scratch.block ? end - first : scratch.block;
        if (!takes_nonzeros(samples))
            over_dense(first, rows);
        else if (samples.rows->columns && short_indices(samples))
            over_columns(first, rows, std::uint16_t{});
        else if (samples.rows->columns)
            over_columns(first, rows, std::int32_t{});
        else if (short_indices(samples))
            over_nonzeros(first, rows, std::uint16_t{});
        else
            over_nonzeros(first, rows, std::int32_t{});
    }
}

template <class T>
Totals step(
    const Parameters<T>& network, const Samples<T>& samples, std::size_t begin, std::size_t end,
    const Scratch<T>& scratch, const Layout& gradient_layout, T* gradient) {
    Totals totals;
    __builtin_memset(gradient, 0, gradient_layout.size() * sizeof(T));
    each_block(
        network, samples, begin, end, scratch,
        [&](std::size_t first, std::size_t rows, auto first_layer, auto first_layer_back) {
            forward(network, rows, scratch, first_layer);
            output_gradient(
                samples, first, rows, network.layout->W2.stride(), scratch.dZ2, scratch.sums,
                totals);
            backward(network, rows, scratch, gradient_layout, gradient);
            first_layer_back(gradient_layout.W1, gradient);  // B6
        });
    return totals;
}

template <class T>
void predict(
    const Parameters<T>& network, const Samples<T>& samples, std::size_t begin, std::size_t end,
    const Scratch<T>& scratch, T* probabilities) {
    const std::size_t K = network.layout->K, Kp = network.layout->W2.stride();
    each_block(
        network, samples, begin, end, scratch,
        [&](std::size_t first, std::size_t rows, auto first_layer, auto) {
            forward(network, rows, scratch, first_layer);
            for (std::size_t r = 0; r < rows; ++r) {
                T* z = scratch.dZ2 + r * Kp;
                const Vector<T> sum = exponentiate(z, Kp, largest_logit(z, Kp));
                for (std::size_t k = 0; k < Kp; k += lanes<T>) store(z + k, load(z + k) / sum);
                __builtin_memcpy(probabilities + (first + r) * K, z, K * sizeof(T));
            }
        });
}

}  // namespace handgrad::HANDGRAD_VARIANT
