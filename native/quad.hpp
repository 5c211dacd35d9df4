// Four neighbours of a list of values, each in turn in every lane: the factors of the sparse
// products. Loads are what those wait for, so that one load for four, and a shuffle for each,
// saves a tenth of a step; bytes become numbers on the way, without a pass of their own.
#pragma once

#include <type_traits>

#include "layout.hpp"
#include "vector.hpp"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace handgrad::HANDGRAD_VARIANT {

template <class T, class X> class Quad {
  public:
    explicit Quad(const X* values) : values_(values) {}
    Vector<T> operator[](std::size_t i) const { return broadcast(static_cast<T>(values_[i])); }

  private:
    const X* values_;
};

// Whether the products take values of type X as they are, with T as the type of the sums.
template <class T, class X> inline constexpr bool multiplies = std::is_same_v<T, X>;

#ifdef __AVX512F__
// All four in each quarter of a vector.
class QuarteredQuad {
  public:
    explicit QuarteredQuad(__m128 four) : four_(_mm512_broadcast_f32x4(four)) {}
    HANDGRAD_INLINE Vector<float> operator[](std::size_t i) const {
        switch (i) {
            case 0: return _mm512_permute_ps(four_, 0b00000000);
            case 1: return _mm512_permute_ps(four_, 0b01010101);
            case 2: return _mm512_permute_ps(four_, 0b10101010);
            default: return _mm512_permute_ps(four_, 0b11111111);
        }
    }

  private:
    __m512 four_;
};

template <> class Quad<float, float> : public QuarteredQuad {
  public:
    explicit Quad(const float* values) : QuarteredQuad(_mm_loadu_ps(values)) {}
};

template <> class Quad<float, std::uint8_t> : public QuarteredQuad {
  public:
    explicit Quad(const std::uint8_t* values)
        : QuarteredQuad(_mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_loadu_si32(values)))) {}
};

template <> inline constexpr bool multiplies<float, std::uint8_t> = true;
#endif

}  // namespace handgrad::HANDGRAD_VARIANT
