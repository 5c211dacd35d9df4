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
template <size_t P> inline constexpr size_t tile = P == 1               ? 8
                                                   : VECTOR_BYTES == 64 ? (P < 4 ? 8 : 4)
                                                   : VECTOR_BYTES == 32 ? 6
                                                                        : 4;

// How many rows of a panel all tiles take before the next: 32 KB of it, which stay in the nearest
// cache. Sums are stored and loaded in between, which changes no bits.
template <size_t P> inline constexpr size_t part_of_panel = 32768 / (P * VECTOR_BYTES);

// out[r][p] += Σ x[r][i] · w[i][p], in the order of i: the heart of both dense products. It is
// not inlined, because GCC then keeps some sums in memory.
template <size_t R, size_t P, class T>
[[gnu::noinline, gnu::noclone]] void multiply_tile(const T* x, size_t row_step, size_t inner_step,
    size_t inner, const T* w, size_t w_stride, T* out, size_t out_stride) {
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

// All rows of x with a part of a panel.
template <size_t P, class T> inline void multiply_part(const T* x, size_t row_step,
    size_t inner_step, size_t rows, size_t inner, const T* w, size_t w_stride, T* out,
    size_t out_stride) {
    constexpr size_t R = tile<P>;
    for (; rows >= R; rows -= R, x += R * row_step, out += R * out_stride)
        multiply_tile<R, P>(x, row_step, inner_step, inner, w, w_stride, out, out_stride);
    if (rows == 0) return;
    with_width<1, R - 1>(rows, [&](auto rest) {
        multiply_tile<rest, P>(x, row_step, inner_step, inner, w, w_stride, out, out_stride);
    });
}

// Calls action(from, count) for each part of a panel's rows.
template <size_t P, class Action> inline void each_part_of_panel(size_t rows, Action action) {
    constexpr size_t part = part_of_panel<P>;
    for (size_t from = 0; from < rows; from += part)
        action(from, rows - from < part ? rows - from : part);
}

// Z (rows × stride) += X[:, from:from + count] · W[from:from + count]
template <class T> inline void forward_dense(const Matrix& W, const T* w, const T* x,
    size_t x_stride, size_t rows, size_t from, size_t count, T* z) {
    each_panel<T>(W, [&](auto P, size_t first) {
        each_part_of_panel<P>(count, [&](size_t input, size_t inputs) {
            multiply_part<P>(x + input, x_stride, 1, rows, inputs, w + W.row(first, from + input),
                W.width(first), z + first, W.stride());
        });
    });
}

// Copies rows of P vectors, one behind the other. Where they lie, those of wide matrices are far
// apart and share few places of the nearest cache.
template <size_t P, class T>
inline const T* gather_panel(const T* rows, size_t stride, size_t count, T* room) {
    constexpr size_t L = lanes<T>;
    for (size_t r = 0; r < count; ++r)
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p)
            store(room + (r * P + p) * L, load(rows + r * stride + p * L));
    return room;
}

// dW (count × P vectors) += X[:, :count]ᵀ · dZ, for the outputs of one panel.
template <size_t P, class T> inline void backward_panel(
    const T* x, size_t x_stride, size_t rows, size_t count, const T* dz, size_t dz_stride, T* dw) {
    constexpr size_t width = P * lanes<T>;
    const bool far_apart = dz_stride * sizeof(T) >= 1024;
    alignas(64) T room[part_of_panel<P> * width];
    each_part_of_panel<P>(rows, [&](size_t row, size_t some) {
        const T* const from = dz + row * dz_stride;
        const T* const panel = far_apart ? gather_panel<P>(from, dz_stride, some, room) : from;
        multiply_part<P>(x + row * x_stride, 1, x_stride, count, some, panel,
            far_apart ? width : dz_stride, dw, width);
    });
}

// dW[from:from + count] += X[:, from:from + count]ᵀ · dZ
template <class T> inline void backward_dense(const Matrix& W, T* dw, const T* x, size_t x_stride,
    size_t rows, size_t from, size_t count, const T* dz) {
    each_panel<T>(W, [&](auto P, size_t first) {
        backward_panel<P>(
            x, x_stride, rows, count, dz + first, W.stride(), dw + W.row(first, from));
    });
}

}  // namespace handgrad::HANDGRAD_VARIANT
