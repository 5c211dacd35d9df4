// How the parameters of a network, and their gradient, lie in one flat array: layer after
// layer, the weights first and then the biases.
//
// A matrix that multiplies rows from the right is held as `inputs` rows of `outputs` weights,
// padded to whole vectors, and cut into panels a few vectors wide, one after another: what one
// input adds to all outputs of a panel lies together, and a panel's part of W1 stays in cache.
//
//     W1ᵀ panels (D × Hp) | b1 (Hp) | W2ᵀ panels (H × Kp) | b2 (Kp)
//
// Padding holds zeros, except in the last biases: −∞ there makes a padding class impossible.
#pragma once

#include "types.hpp"

namespace handgrad {

// Softmax: one row of the last layer per class. Logistic: one row for two classes, whose output is
// the probability of class 1.
enum class Output : uint8_t { softmax, logistic };

struct Matrix {
    size_t inputs, outputs;  // as in the formulas
    size_t lanes, panel;     // numbers in a vector; numbers in a full panel's row

    HANDGRAD_INLINE size_t stride() const { return (outputs + lanes - 1) / lanes * lanes; }
    HANDGRAD_INLINE size_t size() const { return inputs * stride(); }
    HANDGRAD_INLINE size_t width(size_t first) const {
        return stride() - first < panel ? stride() - first : panel;
    }
    // The panel that begins with the output `first`, and one of its rows.
    HANDGRAD_INLINE size_t row(size_t first, size_t input) const {
        return inputs * first + input * width(first);
    }
    HANDGRAD_INLINE size_t at(size_t input, size_t output) const {
        const size_t first = output / panel * panel;
        return row(first, input) + output - first;
    }
};

struct Layer {
    Matrix W;                 // inputs → outputs
    Matrix W_back;            // outputs → inputs, for dA = Wᵀ · dZ
    size_t W_start, b_start;  // in the flat array
    size_t back_start;        // among the transposed copies of weights

    HANDGRAD_INLINE size_t end() const { return b_start + W.stride(); }
};

struct Layout {
    static constexpr size_t depth = 2;  // the passes know two layers
    Output output;
    Layer layers[depth]{};

    // sizes: D, H and the rows of the last layer.
    HANDGRAD_INLINE Layout(
        const size_t (&sizes)[depth + 1], Output output, size_t lanes, size_t vectors)
        : output(output) {
        size_t start = 0, back = 0;
        for (size_t i = 0; i < depth; ++i) {
            const Matrix W{sizes[i], sizes[i + 1], lanes, lanes * vectors};
            layers[i] = {W, {W.outputs, W.inputs, lanes, W.panel}, start, start + W.size(), back};
            start = layers[i].end();
            if (i > 0) back += layers[i].W_back.size();  // no gradient goes back to the rows
        }
    }

    HANDGRAD_INLINE const Layer& first() const { return layers[0]; }
    HANDGRAD_INLINE const Layer& last() const { return layers[depth - 1]; }
    HANDGRAD_INLINE size_t size() const { return last().end(); }
    HANDGRAD_INLINE size_t back_size() const { return last().back_start + last().W_back.size(); }
    HANDGRAD_INLINE size_t classes() const {
        return output == Output::logistic ? 2 : last().W.outputs;
    }
    // The same network over other features: those that a batch touches, or none.
    HANDGRAD_INLINE Layout with_features(size_t features) const {
        const Matrix& W = last().W;
        return Layout({features, W.inputs, W.outputs}, output, W.lanes, W.panel / W.lanes);
    }
};

}  // namespace handgrad
