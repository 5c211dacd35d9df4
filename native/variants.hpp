// The instruction sets that the kernels were compiled for, and whether this machine has them.
#pragma once

#include <array>

#include "kernels.hpp"

#define HANDGRAD_DECLARE(variant)            \
    namespace variant {                      \
    extern const Kernels<float> single;      \
    extern const Kernels<double> twofold;    \
    }

namespace handgrad {

HANDGRAD_DECLARE(baseline)
#ifdef HANDGRAD_AVX2
HANDGRAD_DECLARE(avx2)
#endif
#ifdef HANDGRAD_AVX512
HANDGRAD_DECLARE(avx512)
#endif

// Narrowest first.
inline const auto variants = std::array{
    Variant{"baseline", [] { return true; }, &baseline::single, &baseline::twofold},
#ifdef HANDGRAD_AVX2
    Variant{"avx2",
            [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") != 0; },
            &avx2::single, &avx2::twofold},
#endif
#ifdef HANDGRAD_AVX512
    Variant{"avx512",
            [] {
                return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                       __builtin_cpu_supports("avx512vbmi") &&
                       __builtin_cpu_supports("avx512vbmi2") != 0;
            },
            &avx512::single, &avx512::twofold},
#endif
};

}  // namespace handgrad

#undef HANDGRAD_DECLARE
