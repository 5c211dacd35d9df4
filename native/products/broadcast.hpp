// Four consecutive values of a list, each broadcast to every lane: the factors of the sparse
// products. Those wait for loads, so one load for four values and a shuffle for each saves a tenth
// of a step; bytes become numbers on the way, without a pass of their own.
#pragma once

#include <type_traits>

#include "network/layout.hpp"
#include "variants/vector.hpp"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace handgrad::HANDGRAD_VARIANT {

template <class T, class X> class BroadcastFour {
  public:
    explicit BroadcastFour(const X* values) : values_(values) {}
    Vector<T> operator[](size_t i) const { return broadcast(static_cast<T>(values_[i])); }

  private:
    const X* values_;
};

// Whether the products take values of type X as they are, with T as the type of the sums.
template <class T, class X> inline constexpr bool multiplies = std::is_same_v<T, X>;

#ifdef __AVX512F__
// All four in each quarter of a vector.
class RepeatedFour {
  public:
    explicit RepeatedFour(__m128 four) : four_(_mm512_broadcast_f32x4(four)) {}
    HANDGRAD_INLINE Vector<float> operator[](size_t i) const {
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

template <> class BroadcastFour<float, float> : public RepeatedFour {
  public:
    explicit BroadcastFour(const float* values) : RepeatedFour(_mm_loadu_ps(values)) {}
};

template <> class BroadcastFour<float, uint8_t> : public RepeatedFour {
  public:
    explicit BroadcastFour(const uint8_t* values)
        : RepeatedFour(_mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_loadu_si32(values)))) {}
};

template <> inline constexpr bool multiplies<float, uint8_t> = true;
#endif

}  // namespace handgrad::HANDGRAD_VARIANT
