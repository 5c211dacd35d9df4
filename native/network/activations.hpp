// The activations of hidden layers, over a block of rows: A = g(Z) (F2), and dZ = dA ⊙ g′(Z) (B5),
// where g′ is computed from A. NaN stays NaN.
//
// Padding holds Z = 0 and dA = 0. What a logistic makes of it, ½, is read by nobody.
#pragma once

#include "network/layout.hpp"
#include "variants/functions.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Each has its function g, and B5: dZ from dA and A.
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

// F2: turns Z into A.
template <class T> inline void activate(Activation activation, T* Z, size_t size) {
    with_activation<T>(activation, [&](auto of) {
        for (size_t j = 0; j < size; j += lanes<T>) store(Z + j, of.g(load(Z + j)));
    });
}

// B5: turns dA into dZ.
template <class T>
inline void multiply_by_slope(Activation activation, const T* A, size_t size, T* dA) {
    with_activation<T>(activation, [&](auto of) {
        for (size_t j = 0; j < size; j += lanes<T>)
            store(dA + j, of.back(load(dA + j), load(A + j)));
    });
}

}  // namespace handgrad::HANDGRAD_VARIANT
