// The same products over the non-zeros of X alone. A non-zero and a panel of P vectors cost P loads
// and multiply-adds forward; backward also P stores, except from compressed sparse columns, where
// the sums stay in registers.
#pragma once

#include "products/broadcast.hpp"
#include "products/panels.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// The non-zeros of a block's rows: row r has those from starts[r] to starts[r + 1]. Values
// are of the type that the products compute in, or bytes.
template <class X, class Index> struct Nonzeros {
    const size_t* starts;
    const Index* indices;
    const X* values;
    const int32_t* slots;  // null: a feature's row in dW is its index
    double scale;          // of bytes
};

// A sum of products with values of type X: those with bytes are not scaled yet.
template <class X, class T> inline Vector<T> scaled(Vector<T> sum, T scale) {
    if constexpr (std::is_same_v<X, T>)
        return sum;
    else
        return sum * scale;
}

// Σ values[i] · rows[places[i]] over some entries, P vectors wide, added to `to`.
template <size_t P, class T, class X, class Place>
HANDGRAD_INLINE void gather_products(const X* values, const Place* places, size_t count,
    const T* rows, size_t stride, T scale, T* to) {
    constexpr size_t L = lanes<T>, U = P == 1 ? 4 : P == 2 ? 2 : 1;
    Vector<T> sum[U][P] = {};
    const X* const end = values + count;
    for (; values + 4 <= end; values += 4, places += 4) {
        const BroadcastFour<T, X> four(values);
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i) {
            const T* row = rows + places[i] * stride;
            const Vector<T> value = four[i];
#pragma GCC unroll 4
            for (size_t p = 0; p < P; ++p) sum[i % U][p] += value * load(row + p * L);
        }
    }
    for (; values < end; ++values, ++places) {
        const T* row = rows + *places * stride;
        const Vector<T> value = broadcast(static_cast<T>(*values));
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p) sum[0][p] += value * load(row + p * L);
    }
#pragma GCC unroll 4
    for (size_t p = 0; p < P; ++p) {
        Vector<T> total = sum[0][p];
#pragma GCC unroll 4
        for (size_t u = 1; u < U; ++u) total += sum[u][p];
        store(to + p * L, load(to + p * L) + scaled<X>(total, scale));
    }
}

template <size_t P, class T, class X, class Index> inline void forward_nonzeros(
    const Nonzeros<X, Index>& x, size_t rows, const T* w, T* z, size_t z_stride) {
    const T scale = static_cast<T>(x.scale);
    for (size_t r = 0; r < rows; ++r, z += z_stride)
        gather_products<P>(x.values + x.starts[r], x.indices + x.starts[r],
            x.starts[r + 1] - x.starts[r], w, P * lanes<T>, scale, z);
}

template <size_t P, bool slotted, class T, class Index> inline void backward_nonzeros(
    const Nonzeros<T, Index>& x, size_t rows, const T* dz, size_t dz_stride, T* __restrict dw) {
    constexpr size_t L = lanes<T>;
    const int32_t* __restrict const slots = x.slots;
    for (size_t r = 0; r < rows; ++r, dz += dz_stride) {
        Vector<T> delta[P];
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p) delta[p] = load(dz + p * L);
        const size_t i = x.starts[r];
        const Index* __restrict index = x.indices + i;
        const T* __restrict value = x.values + i;
#pragma GCC unroll 4
        for (size_t n = x.starts[r + 1] - i; n > 0; --n, ++index, ++value) {
            const size_t d = *index;
            const size_t slot = slotted ? static_cast<size_t>(slots[d]) : d;
            T* target = dw + slot * (P * L);
            const Vector<T> factor = broadcast(*value);
#pragma GCC unroll 4
            for (size_t p = 0; p < P; ++p)
                store(target + p * L, load(target + p * L) + factor * delta[p]);
        }
    }
}

// dW[d] += Σ value · dZ[row] over the entries of each feature d.
template <size_t P, class T, class X> inline void backward_csc(const uint32_t* starts,
    size_t features, const uint8_t* rows, const X* values, const T* dz, size_t dz_stride, T scale,
    T* dw) {
    for (size_t d = 0; d < features; ++d, dw += P * lanes<T>)
        if (starts[d] < starts[d + 1])
            gather_products<P>(values + starts[d], rows + starts[d], starts[d + 1] - starts[d], dz,
                dz_stride, scale, dw);
}

template <class T, class X, class Index> inline void forward_sparse(
    const Matrix& W, const T* w, const Nonzeros<X, Index>& x, size_t rows, T* z) {
    each_panel<T>(W, [&](auto P, size_t first) {
        forward_nonzeros<P>(x, rows, w + W.row(first, 0), z + first, W.stride());
    });
}

template <class T, class Index> inline void backward_sparse(
    const Matrix& W, T* dw, const Nonzeros<T, Index>& x, size_t rows, const T* dz) {
    each_panel<T>(W, [&](auto P, size_t first) {
        if (x.slots)
            backward_nonzeros<P, true>(x, rows, dz + first, W.stride(), dw + W.row(first, 0));
        else
            backward_nonzeros<P, false>(x, rows, dz + first, W.stride(), dw + W.row(first, 0));
    });
}

}  // namespace handgrad::HANDGRAD_VARIANT
