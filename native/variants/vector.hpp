// Vectors of floats or doubles as the compiler's own vector types (GCC and Clang, any processor).
//
// VECTOR_BYTES is 16, 32 or 64; everything stands in a namespace of the variant being compiled,
// so that code for a newer processor is never linked into an older one's.
#pragma once

#include "types.hpp"

#include <type_traits>
#include <utility>

#ifndef HANDGRAD_VARIANT
#error "HANDGRAD_VARIANT names the instruction set that is compiled for"
#endif

namespace handgrad::HANDGRAD_VARIANT {

template <class T> using Integer = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
template <class T> struct Lanes {
    typedef T Values __attribute__((vector_size(VECTOR_BYTES)));
    typedef Integer<T> Integers __attribute__((vector_size(VECTOR_BYTES)));
};

template <class T> using Vector = typename Lanes<T>::Values;
template <class T> using Integers = typename Lanes<T>::Integers;
template <class T> inline constexpr size_t lanes = VECTOR_BYTES / sizeof(T);

// Accumulators of a tile of a dense product; four vectors wide where there are 32 registers.
inline constexpr size_t panel_vectors = VECTOR_BYTES == 64 ? 4 : 2;
// Of a panel of a shard's weights: each pass over a row's non-zeros costs their reading again.
inline constexpr size_t shard_vectors = 2 * panel_vectors;

template <class T> inline Vector<T> load(const T* from) {
    Vector<T> vector;
    __builtin_memcpy(&vector, from, sizeof vector);
    return vector;
}

template <class T> inline void store(T* to, Vector<T> vector) {
    __builtin_memcpy(to, &vector, sizeof vector);
}

// Subtracting zero, unlike adding it, leaves every number as it is and costs nothing.
template <class T> inline Vector<T> broadcast(T value) { return value - Vector<T>{}; }

template <class T> inline Vector<T> larger(Vector<T> a, Vector<T> b) { return a > b ? a : b; }
template <class T> inline Vector<T> smaller(Vector<T> a, Vector<T> b) { return a < b ? a : b; }

// Each lane in the place of the one whose number differs from its own in the bits of distance.
template <class T, size_t distance, size_t... lane>
inline Vector<T> exchange(Vector<T> vector, std::index_sequence<lane...>) {
#ifdef __clang__
    return __builtin_shufflevector(vector, vector, static_cast<int>(lane ^ distance)...);
#else
    return __builtin_shuffle(vector, Integers<T>{static_cast<Integer<T>>(lane ^ distance)...});
#endif
}

// What the operation makes of all lanes, in every lane.
template <class T, size_t distance = lanes<T> / 2, class Operation>
inline Vector<T> reduce(Vector<T> vector, Operation operation) {
    vector = operation(vector, exchange<T, distance>(vector, std::make_index_sequence<lanes<T>>()));
    if constexpr (distance == 1)
        return vector;
    else
        return reduce<T, distance / 2>(vector, operation);
}

template <class T> inline Vector<T> sum_of_lanes(Vector<T> vector) {
    return reduce<T>(vector, [](Vector<T> a, Vector<T> b) { return a + b; });
}

// Lanes of two vectors: those from lanes<T> on are the second one's.
template <class T, size_t... lane>
inline Vector<T> select(Vector<T> a, Vector<T> b, std::index_sequence<lane...>) {
#ifdef __clang__
    return __builtin_shufflevector(a, b, static_cast<int>(lane)...);
#else
    return __builtin_shuffle(a, b, Integers<T>{static_cast<Integer<T>>(lane)...});
#endif
}

// Exchanges what stands on either side of the diagonal, in squares of `distance` rows and lanes.
template <class T, size_t distance, size_t... lane>
inline void exchange_squares(Vector<T>* rows, std::index_sequence<lane...>) {
    constexpr size_t L = lanes<T>;
    using Upper = std::index_sequence<(lane & distance ? L + lane - distance : lane)...>;
    using Lower = std::index_sequence<(lane & distance ? L + lane : lane + distance)...>;
#pragma GCC unroll 16
    for (size_t i = 0; i < L; ++i)
        if ((i & distance) == 0) {
            const Vector<T> upper = rows[i], lower = rows[i + distance];
            rows[i] = select<T>(upper, lower, Upper{});
            rows[i + distance] = select<T>(upper, lower, Lower{});
        }
}

// Transposes a square of as many rows as a vector has lanes.
template <class T, size_t distance = lanes<T> / 2> inline void transpose(Vector<T>* rows) {
    exchange_squares<T, distance>(rows, std::make_index_sequence<lanes<T>>());
    if constexpr (distance > 1) transpose<T, distance / 2>(rows);
}

template <class T> inline Vector<T> square_root(Vector<T> vector) {
#pragma GCC unroll 16
    for (size_t lane = 0; lane < lanes<T>; ++lane)
        vector[lane] =
            sizeof(T) == 4 ? __builtin_sqrtf(vector[lane]) : __builtin_sqrt(vector[lane]);
    return vector;
}

}  // namespace handgrad::HANDGRAD_VARIANT
