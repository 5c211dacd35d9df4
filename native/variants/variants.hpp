// The instruction sets that the kernels were compiled for, and whether this machine has them.
#pragma once

#include <array>
#include <tuple>

#include "variants/kernels.hpp"

#define HANDGRAD_DECLARE(variant)         \
    namespace variant {                   \
    extern const Kernels<float> float32;  \
    extern const Kernels<double> float64; \
    }

namespace handgrad {

HANDGRAD_DECLARE(baseline)
#ifdef HANDGRAD_AVX2
HANDGRAD_DECLARE(avx2)
#endif
#ifdef HANDGRAD_AVX512
HANDGRAD_DECLARE(avx512)
#endif

struct Variant {
    const char* name;
    bool (*supported)();
    std::tuple<const Kernels<float>*, const Kernels<double>*> kernels;
};

// Narrowest first.
inline const auto variants = std::array{
    Variant{"baseline", [] { return true; }, {&baseline::float32, &baseline::float64}},
#ifdef HANDGRAD_AVX2
    Variant{"avx2",
        [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") != 0; },
        {&avx2::float32, &avx2::float64}},
#endif
#ifdef HANDGRAD_AVX512
    Variant{"avx512",
        [] {
            return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512vbmi") &&
                   __builtin_cpu_supports("avx512vbmi2") != 0;
        },
        {&avx512::float32, &avx512::float64}},
#endif
};

template <class T> const Kernels<T>& kernels_of(const Variant& variant) {
    return *std::get<const Kernels<T>*>(variant.kernels);
}

}  // namespace handgrad

#undef HANDGRAD_DECLARE
