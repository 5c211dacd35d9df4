// From dense rows to the indices and values of their non-zeros.
#pragma once

#include <type_traits>

#include "vector.hpp"

#ifdef __AVX512VBMI2__
#include <immintrin.h>
#endif

namespace handgrad::HANDGRAD_VARIANT {

inline constexpr double pixel_scale = 1.0 / 255;
// Room behind the last non-zero, for whole vectors are written.
inline constexpr std::size_t compress_slack = 64;

// A value as the network reads it: a pixel is scaled, unless pixels are what is kept.
template <class V, class X> inline V read(X value) {
    if constexpr (std::is_same_v<X, std::uint8_t> && !std::is_same_v<V, std::uint8_t>)
        return static_cast<V>(value) * static_cast<V>(pixel_scale);
    else
        return static_cast<V>(value);
}

template <class X, class V, class Index>
inline std::size_t compress_some(
    const X* row, std::size_t from, std::size_t to, Index* indices, V* values, std::size_t n) {
    for (std::size_t d = from; d < to; ++d) {
        indices[n] = static_cast<Index>(d);
        values[n] = read<V>(row[d]);
        n += row[d] != 0;
    }
    return n;
}

template <class X> inline bool all_zero(const X* eight) {
    if constexpr (std::is_same_v<X, std::uint8_t>) {
        std::uint64_t word;
        __builtin_memcpy(&word, eight, 8);
        return word == 0;
    } else {
        return !((eight[0] != 0) | (eight[1] != 0) | (eight[2] != 0) | (eight[3] != 0) |
                 (eight[4] != 0) | (eight[5] != 0) | (eight[6] != 0) | (eight[7] != 0));
    }
}

#ifdef __AVX512VBMI2__
// 64 pixels at a time. A mask of the non-zeros packs them and their positions.
template <class V, class Index>
inline std::size_t compress_row(
    const std::uint8_t* row, std::size_t D, Index* indices, V* values) {
    alignas(64) static constexpr auto positions = [] {
        struct { std::uint8_t at[64]; } all{};
        for (int i = 0; i < 64; ++i) all.at[i] = static_cast<std::uint8_t>(i);
        return all;
    }();
    const __m512i position = _mm512_load_si512(&positions);
    std::size_t n = 0;
    for (std::size_t d = 0; d < D; d += 64) {
        const __mmask64 inside = D - d < 64 ? ~0ull >> (64 - (D - d)) : ~0ull;
        const __m512i pixels = _mm512_maskz_loadu_epi8(inside, row + d);
        const __mmask64 set = _mm512_test_epi8_mask(pixels, pixels);
        if (set == 0) continue;
        alignas(64) std::uint8_t packed[64], where[64];
        _mm512_store_si512(packed, _mm512_maskz_compress_epi8(set, pixels));
        _mm512_store_si512(where, _mm512_maskz_compress_epi8(set, position));
        const std::size_t found = static_cast<std::size_t>(__builtin_popcountll(set));
        for (std::size_t i = 0; i < found; i += 32) {
#pragma GCC unroll 32
            for (std::size_t j = 0; j < 32; ++j) {
                values[n + i + j] = read<V>(packed[i + j]);
                indices[n + i + j] = static_cast<Index>(d + where[i + j]);
            }
        }
        n += found;
    }
    return n;
}

template <class Index>
inline std::size_t compress_row(const float* row, std::size_t D, Index* indices, float* values) {
    const __m512i position =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    std::size_t n = 0;
    for (std::size_t d = 0; d < D; d += 16) {
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
        n += static_cast<std::size_t>(__builtin_popcount(set));
    }
    return n;
}
#endif

// Writes the non-zeros of a row and returns how many there are; up to compress_slack entries
// behind them are overwritten, too.
template <class X, class V, class Index>
inline std::size_t compress_row(const X* row, std::size_t D, Index* indices, V* values) {
    std::size_t n = 0, d = 0;
    for (; d + 8 <= D; d += 8)
        if (!all_zero(row + d)) n = compress_some(row, d, d + 8, indices, values, n);
    return compress_some(row, d, D, indices, values, n);
}

}  // namespace handgrad::HANDGRAD_VARIANT
