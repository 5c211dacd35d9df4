// The same products over the non-zeros of X alone: those of a block's rows, or groups of four, as
// they are packed for batches. A non-zero and a panel of P vectors cost P loads and multiply-adds
// forward; backward also P stores, except from compressed sparse columns, where the sums stay in
// registers.
#pragma once

#include "products/dense.hpp"
#include "rows/rows.hpp"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace handgrad::HANDGRAD_VARIANT {

// Four consecutive values of a list, each broadcast to every lane. Products with non-zeros wait for
// loads, so one load for four values and a shuffle for each saves a tenth of a step; bytes become
// numbers on the way, without a pass of their own.
template <class T, class X> struct BroadcastFour {
    const X* values;
    Vector<T> operator[](size_t i) const { return broadcast(static_cast<T>(values[i])); }
};

// Whether the products take values of type X as they are, with T as the type of the sums.
template <class T, class X> inline constexpr bool multiplies = std::is_same_v<T, X>;

#ifdef __AVX512F__
// All four in each quarter of a vector.
struct RepeatedFour {
    __m512 four;
    explicit RepeatedFour(__m128 of) : four(_mm512_broadcast_f32x4(of)) {}
    HANDGRAD_INLINE Vector<float> operator[](size_t i) const {
        switch (i) {
            case 0: return _mm512_permute_ps(four, 0b00000000);
            case 1: return _mm512_permute_ps(four, 0b01010101);
            case 2: return _mm512_permute_ps(four, 0b10101010);
            default: return _mm512_permute_ps(four, 0b11111111);
        }
    }
};

template <> struct BroadcastFour<float, float> : RepeatedFour {
    explicit BroadcastFour(const float* values) : RepeatedFour(_mm_loadu_ps(values)) {}
};

template <> struct BroadcastFour<float, uint8_t> : RepeatedFour {
    explicit BroadcastFour(const uint8_t* values)
        : RepeatedFour(_mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_loadu_si32(values)))) {}
};

template <> inline constexpr bool multiplies<float, uint8_t> = true;
#endif

// The non-zeros of a block's rows: row r has those from starts[r] to starts[r + 1]. Values
// are of the type T that the products compute in, or bytes.
template <class T, class X, class Index> struct Nonzeros {
    const size_t* starts;
    const Index* indices;
    const X* values;
    const int32_t* slots;  // null: a feature's row in dW is its index
    T scale;               // of the sums of products; 1 if the values are scaled
};

// Σ values[i] · rows[places[i]] over the entries of each of R lists, P vectors wide, is scaled and
// added to `to`. The few sums of a list wait for their last products, so that lists take turns.
template <size_t R, size_t P, class T, class X, class Start, class Place>
HANDGRAD_INLINE void gather_products(const Start* starts, const Place* places, const X* values,
    const T* rows, size_t stride, T scale, T* to, size_t to_stride) {
    constexpr size_t L = lanes<T>, U = P == 1 ? 4 : P == 2 ? 2 : 1;
    Vector<T> sum[R][U][P] = {};
    size_t together = starts[1] - starts[0];  // entries of the shortest
#pragma GCC unroll 4
    for (size_t r = 1; r < R; ++r)
        if (starts[r + 1] - starts[r] < together) together = starts[r + 1] - starts[r];
    const auto add = [&](Vector<T>(&sums)[P], size_t i, Vector<T> value) {
        const T* row = rows + places[i] * stride;
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p) sums[p] += value * load(row + p * L);
    };
    const auto add_four = [&](size_t r, size_t from) {
        const BroadcastFour<T, X> four{values + from};
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i) add(sum[r][i % U], from + i, four[i]);
    };
    size_t done = 0;
    for (; done + 4 <= together; done += 4) {
#pragma GCC unroll 4
        for (size_t r = 0; r < R; ++r) add_four(r, starts[r] + done);
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < R; ++r, to += to_stride) {
        size_t i = starts[r] + done;
        for (; i + 4 <= starts[r + 1]; i += 4) add_four(r, i);
        for (; i < starts[r + 1]; ++i) add(sum[r][0], i, broadcast(static_cast<T>(values[i])));
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p) {
            Vector<T> total = sum[r][0][p];
#pragma GCC unroll 4
            for (size_t u = 1; u < U; ++u) total += sum[r][u][p];
            total *= scale;
            store(to + p * L, load(to + p * L) + total);
        }
    }
}

// dW[d] += value · dZ over the non-zeros of each row, row after row.
template <size_t P, bool slotted, class T, class X, class Index> inline void backward_nonzeros(
    const Nonzeros<T, X, Index>& x, size_t rows, const T* dz, size_t dz_stride, T* __restrict dw) {
    constexpr size_t L = lanes<T>;
    const int32_t* __restrict const slots = x.slots;
    for (size_t r = 0; r < rows; ++r, dz += dz_stride) {
        Vector<T> delta[P];
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p) delta[p] = load(dz + p * L);
        const auto add = [&](size_t d, Vector<T> factor) {
            T* target = dw + (slotted ? static_cast<size_t>(slots[d]) : d) * (P * L);
#pragma GCC unroll 4
            for (size_t p = 0; p < P; ++p)
                store(target + p * L, load(target + p * L) + factor * delta[p]);
        };
        const Index* __restrict index = x.indices + x.starts[r];
        const X* __restrict value = x.values + x.starts[r];
        size_t left = x.starts[r + 1] - x.starts[r];
        if constexpr (!std::is_same_v<X, T>)
            for (; left >= 4; left -= 4, index += 4, value += 4) {
                const BroadcastFour<T, X> four{value};
#pragma GCC unroll 4
                for (size_t i = 0; i < 4; ++i) add(index[i], four[i]);
            }
#pragma GCC unroll 4
        for (; left > 0; --left, ++index, ++value) add(*index, broadcast(static_cast<T>(*value)));
    }
}

// dW[d] += Σ value · dZ[row] over the entries of each feature d.
template <size_t P, class T, class X> inline void backward_csc(const uint32_t* starts,
    size_t features, const uint8_t* rows, const X* values, const T* dz, size_t dz_stride, T scale,
    T* dw) {
    for (size_t d = 0; d < features; ++d, dw += P * lanes<T>)
        if (starts[d] < starts[d + 1])
            gather_products<1, P>(starts + d, rows, values, dz, dz_stride, scale, dw, 0);
}

// The same sums in the order of the rows, entry after entry: the bits of backward_nonzeros. Each
// sum waits for its last product, so that some features take turns.
template <size_t F, size_t P, class T, class X> inline void add_columns(const uint32_t* starts,
    const uint8_t* rows, const X* values, const T* dz, size_t dz_stride, T* dw) {
    constexpr size_t L = lanes<T>;
    Vector<T> sum[F][P];
    size_t together = starts[1] - starts[0];  // entries of the shortest
#pragma GCC unroll 4
    for (size_t f = 0; f < F; ++f) {
        if (starts[f + 1] - starts[f] < together) together = starts[f + 1] - starts[f];
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p) sum[f][p] = load(dw + (f * P + p) * L);
    }
    const auto add = [&](size_t f, size_t entry, Vector<T> value) {
        const T* row = dz + rows[entry] * dz_stride;
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p) sum[f][p] += value * load(row + p * L);
    };
    const auto add_four = [&](size_t f, size_t from) {
        const BroadcastFour<T, X> four{values + from};
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i) add(f, from + i, four[i]);
    };
    size_t done = 0;
    for (; done + 4 <= together; done += 4) {
#pragma GCC unroll 4
        for (size_t f = 0; f < F; ++f) add_four(f, starts[f] + done);
    }
#pragma GCC unroll 4
    for (size_t f = 0; f < F; ++f) {
        size_t i = starts[f] + done;
        for (; i + 4 <= starts[f + 1]; i += 4) add_four(f, i);
        for (; i < starts[f + 1]; ++i) add(f, i, broadcast(static_cast<T>(values[i])));
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p) store(dw + (f * P + p) * L, sum[f][p]);
    }
}

template <size_t P, class T, class X> inline void backward_columns(const uint32_t* starts,
    size_t features, const uint8_t* rows, const X* values, const T* dz, size_t dz_stride, T* dw) {
    constexpr size_t F = P == 1 ? 4 : P == 2 ? 2 : 1;
    size_t d = 0;
    for (; d + F <= features; d += F)
        add_columns<F, P>(starts + d, rows, values, dz, dz_stride, dw + d * P * lanes<T>);
    for (; d < features; ++d)
        add_columns<1, P>(starts + d, rows, values, dz, dz_stride, dw + d * P * lanes<T>);
}

template <class T, class X, class Index> inline void forward_sparse(
    const Matrix& W, const T* w, const Nonzeros<T, X, Index>& x, size_t rows, T* z) {
    each_panel<T>(W, [&](auto P, size_t first) {
        constexpr size_t R = P < 3 ? 1 : 4;  // narrow panels wait for loads, not for their sums
        const auto some = [&](auto count, size_t r) {
            gather_products<count, P>(x.starts + r, x.indices, x.values, w + W.row(first, 0),
                P * lanes<T>, x.scale, z + r * W.stride() + first, W.stride());
        };
        size_t r = 0;
        for (; r + R <= rows; r += R) some(std::integral_constant<size_t, R>{}, r);
        for (; r < rows; ++r) some(std::integral_constant<size_t, 1>{}, r);
    });
}

template <class T, class X, class Index> inline void backward_sparse(
    const Matrix& W, T* dw, const Nonzeros<T, X, Index>& x, size_t rows, const T* dz) {
    each_panel<T>(W, [&](auto P, size_t first) {
        if (x.slots)
            backward_nonzeros<P, true>(x, rows, dz + first, W.stride(), dw + W.row(first, 0));
        else
            backward_nonzeros<P, false>(x, rows, dz + first, W.stride(), dw + W.row(first, 0));
    });
}

// Panels of groups are as wide as the registers allow, because each pass over a row's non-zeros
// reads their features and values again: for 100 hidden units one panel of seven vectors takes a
// tenth less time than two of four and three.

// to = Σ values · rows[features], or to += the same, P vectors wide.
template <size_t P, bool adds, class T, class Index> HANDGRAD_INLINE void gather_groups(
    const NonzeroGroup<T, Index>* four, const NonzeroGroup<T, Index>* end, const T* rows, T* to) {
    constexpr size_t L = lanes<T>, U = P == 1 ? 4 : P <= 4 ? 2 : 1;
    Vector<T> sum[U][P] = {};
    for (; four < end; ++four) {
        const BroadcastFour<T, T> values{four->values};
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i) {
            const T* row = rows + four->features[i] * (P * L);
            const Vector<T> value = values[i];
#pragma GCC unroll 8
            for (size_t p = 0; p < P; ++p) sum[i % U][p] += value * load(row + p * L);
        }
    }
#pragma GCC unroll 8
    for (size_t p = 0; p < P; ++p) {
        Vector<T> total = sum[0][p];
#pragma GCC unroll 4
        for (size_t u = 1; u < U; ++u) total += sum[u][p];
        store(to + p * L, adds ? load(to + p * L) + total : total);
    }
}

// rows[features] += values · from, P vectors wide.
template <size_t P, class T, class Index> HANDGRAD_INLINE void scatter_groups(
    const NonzeroGroup<T, Index>* four, const NonzeroGroup<T, Index>* end, const T* from, T* rows) {
    constexpr size_t L = lanes<T>;
    Vector<T> delta[P];
#pragma GCC unroll 8
    for (size_t p = 0; p < P; ++p) delta[p] = load(from + p * L);
    for (; four < end; ++four)
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i) {
            T* row = rows + four->features[i] * (P * L);
            asm("" : "+r"(row));  // one address, not one for each vector
            const Vector<T> value = broadcast(four->values[i]);
#pragma GCC unroll 8
            for (size_t p = 0; p < P; ++p) store(row + p * L, load(row + p * L) + value * delta[p]);
        }
}

}  // namespace handgrad::HANDGRAD_VARIANT
