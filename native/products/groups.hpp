// The sparse products over groups of four non-zeros, as they are packed for batches.
//
// A non-zero and a panel of P vectors cost P loads and multiply-adds, and backward also P stores. A
// panel is as wide as the registers allow, because each pass over a row's non-zeros reads their
// features and values again: for 100 hidden units one panel of seven vectors takes a tenth less
// time than two of four and three.
#pragma once

#include "products/broadcast.hpp"
#include "products/panels.hpp"
#include "rows/rows.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// to = Σ values · rows[features], P vectors wide.
template <size_t P, class T, class Index> HANDGRAD_INLINE void gather_groups(
    const NonzeroGroup<T, Index>* four, const NonzeroGroup<T, Index>* end, const T* rows, T* to) {
    constexpr size_t L = lanes<T>, U = P == 1 ? 4 : P <= 4 ? 2 : 1;
    Vector<T> sum[U][P] = {};
    for (; four < end; ++four) {
        const BroadcastFour<T, T> values(four->values);
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
        store(to + p * L, total);
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
