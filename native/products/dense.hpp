// The products over a block of dense rows, as tiles of accumulators: forward Z += X · W, backward
// dW += Xᵀ · dZ, with W and dW in panels. A row and a panel of P vectors cost D · P multiply-adds
// forward and as many back.
#pragma once

#include <type_traits>

#include "network/layout.hpp"
#include "variants/vector.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Calls action with a width of at least P and at most `most` as a constant.
template <size_t P, size_t most, class Action> inline void with_width(size_t width, Action action) {
    if constexpr (P < most)
        if (width > P) return with_width<P + 1, most>(width, action);
    action(std::integral_constant<size_t, P>{});
}

// Calls action with each panel's width in vectors, as a constant, and its first output.
template <class T, size_t most = panel_vectors, class Action>
inline void each_panel(const Matrix& W, Action action) {
    for (size_t first = 0; first < W.stride(); first += W.panel)
        with_width<1, most>(W.width(first) / lanes<T>, [&](auto P) { action(P, first); });
}

// Rows of a tile: enough accumulators to hide a multiply-add's latency, few enough for registers.
template <size_t P> inline constexpr size_t tile =
    VECTOR_BYTES == 64 ? (P < 4 ? 8 : 4) : (P == 1 ? 8 : 4);

// acc[i][p] += x[i][inner] · w[inner][p], the heart of both dense products.
template <size_t R, size_t P, class T> inline void multiply_tile(const T* x, size_t row_step,
    size_t inner_step, size_t inner, const T* w, size_t w_stride, T* out, size_t out_stride) {
    constexpr size_t L = lanes<T>;
    Vector<T> sum[R][P];
#pragma GCC unroll 8
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p) sum[r][p] = load(out + r * out_stride + p * L);
    for (size_t i = 0; i < inner; ++i, x += inner_step, w += w_stride) {
        Vector<T> weights[P];
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p) weights[p] = load(w + p * L);
#pragma GCC unroll 8
        for (size_t r = 0; r < R; ++r) {
            const Vector<T> value = broadcast(x[r * row_step]);
#pragma GCC unroll 4
            for (size_t p = 0; p < P; ++p) sum[r][p] += value * weights[p];
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p) store(out + r * out_stride + p * L, sum[r][p]);
}

template <size_t P, class T> inline void multiply_panel(const T* x, size_t row_step,
    size_t inner_step, size_t rows, size_t inner, const T* w, size_t w_stride, T* out,
    size_t out_stride) {
    constexpr size_t R = tile<P>;
    size_t r = 0;
    for (; r + R <= rows; r += R)
        multiply_tile<R, P>(x + r * row_step, row_step, inner_step, inner, w, w_stride,
            out + r * out_stride, out_stride);
    for (; r < rows; ++r)
        multiply_tile<1, P>(x + r * row_step, row_step, inner_step, inner, w, w_stride,
            out + r * out_stride, out_stride);
}

// Z (rows × stride) += X[:, from:from + count] · W[from:from + count]
template <class T> inline void forward_dense(const Matrix& W, const T* w, const T* x,
    size_t x_stride, size_t rows, size_t from, size_t count, T* z) {
    each_panel<T>(W, [&](auto P, size_t first) {
        multiply_panel<P>(x, x_stride, 1, rows, count, w + W.row(first, from), W.width(first),
            z + first, W.stride());
    });
}

// dW[from:from + count] += X[:, from:from + count]ᵀ · dZ
template <class T> inline void backward_dense(const Matrix& W, T* dw, const T* x, size_t x_stride,
    size_t rows, size_t from, size_t count, const T* dz) {
    each_panel<T>(W, [&](auto P, size_t first) {
        multiply_panel<P>(x, 1, x_stride, count, rows, dz + first, W.stride(),
            dw + W.row(first, from), W.width(first));
    });
}

}  // namespace handgrad::HANDGRAD_VARIANT
