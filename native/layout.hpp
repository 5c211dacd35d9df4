// How the four parameters, and likewise their gradient, lie in one flat array.
//
// A matrix that multiplies rows from the right is held as `inputs` rows of `outputs` weights,
// padded to whole vectors, and cut into panels a few vectors wide, one after another: what one
// input adds to all outputs of a panel lies together, and a panel's part of W1 stays in cache.
//
//     W1ᵀ panels (D × Hp) | b1 (Hp) | W2ᵀ panels (H × Kp) | b2 (Kp)
//
// Padding holds zeros, but for b2, where −∞ makes a class that is none impossible.
#pragma once

#include <cstddef>

// Shared by code for several instruction sets: no copy of these may be linked from one to another.
#define HANDGRAD_INLINE [[gnu::always_inline]] inline

namespace handgrad {

struct Matrix {
    std::size_t inputs, outputs;  // as in the formulas
    std::size_t lanes, panel;     // numbers in a vector; numbers in a full panel's row

    HANDGRAD_INLINE std::size_t stride() const { return (outputs + lanes - 1) / lanes * lanes; }
    HANDGRAD_INLINE std::size_t size() const { return inputs * stride(); }
    HANDGRAD_INLINE std::size_t width(std::size_t first) const {
        return stride() - first < panel ? stride() - first : panel;
    }
    // The panel that begins with the output `first`, and one of its rows.
    HANDGRAD_INLINE std::size_t row(std::size_t first, std::size_t input) const {
        return inputs * first + input * width(first);
    }
    HANDGRAD_INLINE std::size_t at(std::size_t input, std::size_t output) const {
        const std::size_t first = output / panel * panel;
        return row(first, input) + output - first;
    }
};

struct Layout {
    std::size_t D, H, K;
    Matrix W1, W2;    // D → H, H → K
    Matrix W2_back;   // K → H, for B4

    HANDGRAD_INLINE Layout(std::size_t D, std::size_t H, std::size_t K, std::size_t lanes, std::size_t vectors)
        : D(D), H(H), K(K), W1{D, H, lanes, lanes * vectors}, W2{H, K, lanes, lanes * vectors},
          W2_back{K, H, lanes, lanes * vectors} {}

    HANDGRAD_INLINE std::size_t b1() const { return W1.size(); }
    HANDGRAD_INLINE std::size_t W2_start() const { return b1() + W1.stride(); }
    HANDGRAD_INLINE std::size_t b2() const { return W2_start() + W2.size(); }
    HANDGRAD_INLINE std::size_t size() const { return b2() + W2.stride(); }
    // The same network reading the `features` rows of W1 that a batch touches.
    HANDGRAD_INLINE Layout touching(std::size_t features) const {
        return Layout(features, H, K, W1.lanes, W1.panel / W1.lanes);
    }
};

}  // namespace handgrad
