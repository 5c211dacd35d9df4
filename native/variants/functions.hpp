// exp, log, and what is made of them, of whole vectors, to the last bit or two of their type.
#pragma once

#include "variants/vector.hpp"

namespace handgrad::HANDGRAD_VARIANT {

template <class T> struct Constants;
template <> struct Constants<float> {
    static constexpr int exp_terms = 8, log_terms = 5, mantissa_bits = 23, bias = 127;
    static constexpr float rounder = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr float lowest = -87.0f;  // below it exp is taken for 0
    static constexpr int32_t sqrt_half = 0x3f3504f3;
};
template <> struct Constants<double> {
    static constexpr int exp_terms = 14, log_terms = 11, mantissa_bits = 52, bias = 1023;
    static constexpr double rounder = 6755399441055744.0;  // 1.5 · 2^52
    static constexpr double ln2_high = 6.93147180369123816490e-01;
    static constexpr double ln2_low = 1.90821492927058770002e-10;
    static constexpr double lowest = -708.0;
    static constexpr int64_t sqrt_half = 0x3fe6a09e667f3bcd;
};

template <class To, class From> inline To bits(From from) {
    To to;
    static_assert(sizeof to == sizeof from);
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}

template <class T> struct InverseFactorials {
    T of[Constants<T>::exp_terms]{};
    constexpr InverseFactorials() {
        T value = 1;
        for (int i = 0; i < Constants<T>::exp_terms; ++i) {
            of[i] = 1 / value;
            value *= T(i + 1);
        }
    }
};

// exp(x) = 2^n · exp(r) with |r| <= ln(2) / 2.
template <class T> struct Reduced {
    Vector<T> r;
    Integers<T> n;

    explicit Reduced(Vector<T> x) {
        using C = Constants<T>;
        const Vector<T> shifted = x * T(1.4426950408889634074) + C::rounder;
        const Vector<T> whole = shifted - C::rounder;
        r = (x - whole * C::ln2_high) - whole * C::ln2_low;
        n = bits<Integers<T>>(shifted) - bits<Integers<T>>(broadcast<T>(C::rounder));
    }

    // (exp(r) − 1) / r, by the Taylor series of exp.
    Vector<T> series() const {
        constexpr int terms = Constants<T>::exp_terms;
        constexpr InverseFactorials<T> inverse_factorial;
        Vector<T> sum = broadcast<T>(inverse_factorial.of[terms - 1]);
#pragma GCC unroll 16
        for (int i = terms - 2; i > 0; --i) sum = sum * r + inverse_factorial.of[i];
        return sum;
    }
};

// 2^n, of numbers that are not subnormal.
template <class T> inline Vector<T> power_of_two(Integers<T> n) {
    return bits<Vector<T>>((n + Constants<T>::bias) << Constants<T>::mantissa_bits);
}

// exp(x). x is at most 0.
template <class T> inline Vector<T> exponential(Vector<T> x) {
    const Vector<T> lowest = broadcast<T>(Constants<T>::lowest);
    const Integers<T> vanishes = x < lowest;
    const Reduced<T> of(vanishes ? lowest : x);
    const Vector<T> power = power_of_two<T>(of.n);
    return vanishes ? Vector<T>{} : (of.series() * of.r + 1) * power;
}

// exp(x) of any x, infinite where it is larger than any number. The power of two is multiplied in
// two parts, because one number alone cannot hold the largest.
template <class T> inline Vector<T> exponential_of_any(Vector<T> x) {
    const Vector<T> lowest = broadcast<T>(2 * Constants<T>::lowest), highest = -lowest;
    x = x < lowest ? lowest : x;
    const Reduced<T> of(x > highest ? highest : x);
    const Integers<T> half = of.n >> 1;
    return (of.series() * of.r + 1) * power_of_two<T>(half) * power_of_two<T>(of.n - half);
}

// exp(x) − 1, as accurate near 0 as elsewhere. x is at most 0.
template <class T> inline Vector<T> exponential_minus_one(Vector<T> x) {
    const Vector<T> lowest = broadcast<T>(Constants<T>::lowest);
    const Reduced<T> of(x < lowest ? lowest : x);
    const Vector<T> power = power_of_two<T>(of.n);
    return of.series() * of.r * power + (power - 1);
}

// tanh(x) = −e / (2 + e) with e = exp(−2x) − 1 of |x|, and the sign of x.
template <class T> inline Vector<T> hyperbolic_tangent(Vector<T> x) {
    const Vector<T> e = exponential_minus_one<T>(2 * (x < 0 ? x : -x));
    const Vector<T> of_positive = -e / (2 + e);
    return x < 0 ? -of_positive : of_positive;
}

// log(x) = n · log(2) + 2 artanh((f − 1) / (f + 1)) with f in [√½, √2). x is 1 or more.
template <class T> inline Vector<T> logarithm(Vector<T> x) {
    using C = Constants<T>;
    const Integers<T> whole = bits<Integers<T>>(x);
    const Integers<T> above = whole - C::sqrt_half;
    const Integers<T> n = above >> C::mantissa_bits;
    const Vector<T> f = bits<Vector<T>>(whole - (n << C::mantissa_bits));
    const Vector<T> s = (f - 1) / (f + 1);
    const Vector<T> square = s * s;
    Vector<T> series = broadcast<T>(T(1) / (2 * C::log_terms - 1));
#pragma GCC unroll 16
    for (int i = C::log_terms - 1; i > 0; --i) series = series * square + T(1) / (2 * i - 1);
    const Vector<T> exponent = __builtin_convertvector(n, Vector<T>);
    const Vector<T> result = exponent * C::ln2_high + (2 * s * series + exponent * C::ln2_low);
    // Infinity and NaN stay what they are.
    return x - x == 0 ? result : x;  // NOLINT(misc-redundant-expression)
}

// σ(x) = 1 / (1 + exp(−x)), as accurate where it is near 0 as elsewhere.
template <class T> inline Vector<T> sigmoid(Vector<T> x) {
    const Vector<T> e = exponential<T>(x < 0 ? x : -x);
    return (x < 0 ? e : broadcast<T>(1)) / (1 + e);
}

// log(1 + exp(x)). What 1 + e loses of a small e is made up for by the quotient.
template <class T> inline Vector<T> log_one_plus_exp(Vector<T> x) {
    const Vector<T> e = exponential<T>(x < 0 ? x : -x);
    const Vector<T> kept = (1 + e) - 1;
    return (x > 0 ? x : Vector<T>{}) + (kept == 0 ? e : logarithm<T>(1 + e) * (e / kept));
}

}  // namespace handgrad::HANDGRAD_VARIANT
