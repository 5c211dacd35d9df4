// The activations of hidden layers, over a block of rows: A = g(Z) (L2), and dZ = dA ⊙ g′(Z) (L6),
// where g′ is computed from A. NaN stays NaN.
//
// Padding holds Z = 0 and dA = 0. The logistic function turns it into ½, which nothing reads.
#pragma once

#include "network/layout.hpp"
#include "variants/functions.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Each activation has g (L2) and `back`, which computes dZ from dA and A (L6).
template <class T> struct Logistic {
    static Vector<T> g(Vector<T> z) { return sigmoid<T>(z); }
    static Vector<T> back(Vector<T> dA, Vector<T> A) { return dA * (A * (1 - A)); }
};
template <class T> struct Tanh {
    static Vector<T> g(Vector<T> z) { return hyperbolic_tangent<T>(z); }
    static Vector<T> back(Vector<T> dA, Vector<T> A) { return dA * (1 - A * A); }
};
template <class T> struct Relu {
    static Vector<T> g(Vector<T> z) { return z < 0 ? Vector<T>{} : z; }
    static Vector<T> back(Vector<T> dA, Vector<T> A) { return A > 0 ? dA : Vector<T>{}; }
};
template <class T> struct LeakyRelu {
    static Vector<T> g(Vector<T> z) { return z < 0 ? static_cast<T>(leak) * z : z; }
    static Vector<T> back(Vector<T> dA, Vector<T> A) {
        return A > 0 ? dA : static_cast<T>(leak) * dA;
    }
};

// Calls action with the activation, unless it changes nothing.
template <class T, class Action> inline void with_activation(Activation of, Action action) {
    switch (of) {
        case Activation::identity: return;
        case Activation::logistic: return action(Logistic<T>{});
        case Activation::tanh: return action(Tanh<T>{});
        case Activation::relu: return action(Relu<T>{});
        case Activation::leaky_relu: return action(LeakyRelu<T>{});
    }
}

// L2: turns Z into A.
template <class T> inline void activate(Activation activation, T* Z, size_t size) {
    with_activation<T>(activation, [&](auto of) {
        for (size_t j = 0; j < size; j += lanes<T>) store(Z + j, of.g(load(Z + j)));
    });
}

// L6: turns dA into dZ.
template <class T>
inline void multiply_by_slope(Activation activation, const T* A, size_t size, T* dA) {
    with_activation<T>(activation, [&](auto of) {
        for (size_t j = 0; j < size; j += lanes<T>)
            store(dA + j, of.back(load(dA + j), load(A + j)));
    });
}

}  // namespace handgrad::HANDGRAD_VARIANT
