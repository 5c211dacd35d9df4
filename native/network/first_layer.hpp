// The two products of the first layer, Z1 += X · W1 (F1) and dW1 += Xᵀ · dZ1 (B6), over one block of
// rows after another, in whichever form the rows have.
#pragma once

#include "rows/block.hpp"

namespace handgrad::HANDGRAD_VARIANT {

template <class T> inline bool takes_nonzeros(const Samples<T>& samples) {
    return samples.rows->sparse() || samples.skip_zeros;
}

template <class T> inline bool short_indices(const Samples<T>& samples) {
    return samples.rows->sparse() ? samples.rows->short_indices : samples.rows->features <= 65536;
}

// Calls action(first, rows, forward, backward) for each block of the samples from begin to end:
// the two products of the first layer, over non-zeros or dense.
template <class T, class Action> inline void each_block(const Parameters<T>& network,
    const Samples<T>& samples, size_t begin, size_t end, const Scratch<T>& scratch, Action action) {
    const Matrix& W1 = network.layout->first().W;
    const size_t D = samples.rows->features;
    const auto over_nonzeros = [&](size_t first, size_t rows, auto index) {
        const auto x = gather_block<T, decltype(index)>(samples, first, rows, scratch);
        action(
            first, rows, [&](T* Z1) { forward_sparse(W1, network.values, x, rows, Z1); },
            [&](const Matrix& dW1, T* gradient) {
                backward_sparse(dW1, gradient, x, rows, scratch.dZ1);
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
            const CscBlocks& csc = *samples.rows->csc;
            const uint32_t* starts = csc.starts + first / CscBlocks::block * (D + 1);
            with_csc_values(samples, first, rows, scratch, [&](const auto* values) {
                each_panel<T>(dW1, [&](auto P, size_t output) {
                    backward_csc<P>(starts, D, csc.rows + samples.rows->starts[first], values,
                        scratch.dZ1 + output, dW1.stride(), static_cast<T>(samples.rows->scale),
                        gradient + dW1.row(output, 0));
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
        if (!takes_nonzeros(samples))
            over_dense(first, rows);
        else
            with_index(short_indices(samples), [&](auto index) {
                samples.rows->csc ? over_csc(first, rows, index)
                                  : over_nonzeros(first, rows, index);
            });
    }
}

}  // namespace handgrad::HANDGRAD_VARIANT
