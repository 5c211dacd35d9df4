// From dense rows to the indices and values of their non-zeros.
#pragma once

#include <type_traits>

#include "variants/vector.hpp"

#ifdef __AVX512VBMI2__
#include <immintrin.h>
#endif

namespace handgrad::HANDGRAD_VARIANT {

// Room behind the last non-zero, for whole vectors are written.
inline constexpr size_t compress_slack = 64;

// A value as the network reads it: a byte is scaled, unless bytes are what is kept.
template <class V, class X> inline V read(X value, V scale) {
    if constexpr (std::is_same_v<X, uint8_t> && !std::is_same_v<V, uint8_t>)
        return static_cast<V>(value) * scale;
    else
        return static_cast<V>(value);
}

template <class X, class V, class Index> inline size_t compress_some(
    const X* row, size_t from, size_t to, Index* indices, V* values, V scale, size_t n) {
    for (size_t d = from; d < to; ++d) {
        indices[n] = static_cast<Index>(d);
        values[n] = read(row[d], scale);
        n += row[d] != 0;
    }
    return n;
}

template <class X> inline bool all_zero(const X* eight) {
    if constexpr (std::is_same_v<X, uint8_t>) {
        uint64_t word;
        __builtin_memcpy(&word, eight, 8);
        return word == 0;
    } else {
        return !((eight[0] != 0) | (eight[1] != 0) | (eight[2] != 0) | (eight[3] != 0) |
                 (eight[4] != 0) | (eight[5] != 0) | (eight[6] != 0) | (eight[7] != 0));
    }
}

#ifdef __AVX512VBMI2__
// Sixteen bytes as numbers.
template <class V> inline void write_values(V* to, __m128i bytes, V scale) {
    if constexpr (std::is_same_v<V, float>)
        _mm512_storeu_ps(to,
            _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)), _mm512_set1_ps(scale)));
    else
        for (int half = 0; half < 2; ++half, bytes = _mm_srli_si128(bytes, 8))
            _mm512_storeu_pd(
                to + 8 * half, _mm512_mul_pd(_mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(bytes)),
                                   _mm512_set1_pd(scale)));
}

// 32 bytes as values and as indices.
template <class V, class Index> inline void write_half(
    __m256i bytes, __m256i places, size_t from, Index* indices, V* values, V scale) {
    const auto each_quarter = [](__m256i half, auto action) {
        action(0, _mm256_castsi256_si128(half));
        action(16, _mm256_extracti128_si256(half, 1));
    };
    if constexpr (std::is_same_v<V, uint8_t>)
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(values), bytes);
    else
        each_quarter(
            bytes, [&](int at, __m128i quarter) { write_values(values + at, quarter, scale); });
    if constexpr (sizeof(Index) == 2)
        _mm512_storeu_si512(indices, _mm512_add_epi16(_mm512_cvtepu8_epi16(places),
                                         _mm512_set1_epi16(static_cast<short>(from))));
    else
        each_quarter(places, [&](int at, __m128i quarter) {
            _mm512_storeu_si512(indices + at, _mm512_add_epi32(_mm512_cvtepu8_epi32(quarter),
                                                  _mm512_set1_epi32(static_cast<int>(from))));
        });
}

struct Positions {
    alignas(64) uint8_t of[64]{};
    constexpr Positions() {
        for (size_t i = 0; i < 64; ++i) of[i] = static_cast<uint8_t>(i);
    }
};

// 64 bytes at a time. A mask of the non-zeros packs them and their places. Vectors of zeros are
// not skipped, because a branch on them is often mispredicted.
template <class V, class Index>
inline size_t compress_row(const uint8_t* row, size_t D, Index* indices, V* values, V scale) {
    constexpr size_t ahead = 16384;  // bytes, for rows follow one another in memory
    static constexpr Positions positions;
    const __m512i position = _mm512_load_si512(positions.of);
    size_t n = 0;
    for (size_t d = 0; d < D; d += 64) {
        __builtin_prefetch(row + d + ahead, 0, 2);
        const __mmask64 inside = D - d < 64 ? ~0ull >> (64 - (D - d)) : ~0ull;
        const __m512i bytes = _mm512_maskz_loadu_epi8(inside, row + d);
        const __mmask64 set = _mm512_test_epi8_mask(bytes, bytes);
        const __m512i packed = _mm512_maskz_compress_epi8(set, bytes);
        const __m512i places = _mm512_maskz_compress_epi8(set, position);
        const size_t found = static_cast<size_t>(__builtin_popcountll(set));
        write_half(_mm512_castsi512_si256(packed), _mm512_castsi512_si256(places), d, indices + n,
            values + n, scale);
        if (found > 32)
            write_half(_mm512_extracti64x4_epi64(packed, 1), _mm512_extracti64x4_epi64(places, 1),
                d, indices + n + 32, values + n + 32, scale);
        n += found;
    }
    return n;
}

template <class Index>
inline size_t compress_row(const float* row, size_t D, Index* indices, float* values, float) {
    const __m512i position =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    size_t n = 0;
    for (size_t d = 0; d < D; d += 16) {
        const __mmask16 inside = static_cast<__mmask16>(D - d < 16 ? (1u << (D - d)) - 1 : 0xffff);
        const __m512 numbers = _mm512_maskz_loadu_ps(inside, row + d);
        const __mmask16 set = _mm512_cmp_ps_mask(numbers, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        if (set == 0) continue;
        _mm512_storeu_ps(values + n, _mm512_maskz_compress_ps(set, numbers));
        const __m512i where = _mm512_add_epi32(
            _mm512_maskz_compress_epi32(set, position), _mm512_set1_epi32(static_cast<int>(d)));
        if constexpr (sizeof(Index) == 2)
            _mm256_storeu_si256(
                reinterpret_cast<__m256i*>(indices + n), _mm512_cvtepi32_epi16(where));
        else
            _mm512_storeu_si512(indices + n, where);
        n += static_cast<size_t>(__builtin_popcount(set));
    }
    return n;
}
#endif

// Sixteen numbers as type V.
template <class V, class X>
inline void convert_sixteen(const X* __restrict from, V* __restrict to, V scale) {
#ifdef __AVX512VBMI2__
    if constexpr (std::is_same_v<X, uint8_t>)
        return write_values(to, _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), scale);
#endif
    for (int i = 0; i < 16; ++i) to[i] = read(from[i], scale);
}

// Writes the non-zeros of a row and returns how many there are: at most D, whatever another
// thread writes to the row meanwhile. Up to compress_slack entries behind them are overwritten, too.
template <class X, class V, class Index>
inline size_t compress_row(const X* row, size_t D, Index* indices, V* values, V scale) {
    size_t n = 0, d = 0;
    for (; d + 8 <= D; d += 8)
        if (!all_zero(row + d)) n = compress_some(row, d, d + 8, indices, values, scale, n);
    return compress_some(row, d, D, indices, values, scale, n);
}

}  // namespace handgrad::HANDGRAD_VARIANT
