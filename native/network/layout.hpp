// How the parameters of a network, and their gradient, lie in one flat array: layer after
// layer, the weights first and then the biases.
//
// A matrix that multiplies rows from the right is held as `inputs` rows of `outputs` weights,
// padded to whole vectors, and cut into panels a few vectors wide, one after another: what one
// input adds to all outputs of a panel lies together, and a panel's part of W1 stays in cache.
//
//     W1ᵀ panels (D × H1p) | b1 (H1p) | W2ᵀ panels (H1 × H2p) | b2 (H2p) | …
//
// Padding holds zeros, except in the last biases of a softmax: −∞ there makes a padding class
// impossible.
#pragma once

#include "types.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace handgrad {

// Leaky ReLU multiplies what is below 0 by `leak`.
enum class Activation : uint8_t { identity, logistic, tanh, relu, leaky_relu };
inline constexpr double leak = 0.01;

// What makes predictions of the logits. Softmax: one row of the last layer per class. Logistic: one
// row for two classes, whose output is the probability of class 1; or one per label, where a sample
// has several labels, each 0 or 1. Identity and exp: one row per predicted value; the loss is half
// the squared error, or that of a Poisson distribution.
enum class Output : uint8_t { softmax, logistic, identity, exp };

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
    Matrix W_back;            // outputs → inputs, for dA = Wᵀ · dZ; not of the first layer
    size_t W_start, b_start;  // in the flat array
    size_t back_start;        // among the transposed copies of weights
    Activation activation;    // identity in the last layer, which gives logits

    HANDGRAD_INLINE size_t end() const { return b_start + W.stride(); }
};

struct LayerShape {
    size_t inputs, outputs;
    Activation activation;
};

// Kernels read the layers by a plain pointer, because they use no containers; the layout keeps them
// alive. Copies share them, since nothing changes them.
class Layout {
  public:
    Output output;
    size_t depth;
    const Layer* layers;

    // The layers' shapes, first to last; vectors that a panel is wide.
    Layout(const std::vector<LayerShape>& shapes, Output output, size_t lanes, size_t vectors)
        : output(output), depth(shapes.size()) {
        std::vector<Layer> own;
        size_t start = 0;
        for (const LayerShape& shape : shapes) {
            const Matrix W{shape.inputs, shape.outputs, lanes, lanes * vectors};
            const Matrix W_back{W.outputs, W.inputs, lanes, W.panel};
            own.push_back({W, W_back, start, start + W.size(), back_size_, shape.activation});
            start = own.back().end();
            if (own.size() > 1) back_size_ += W_back.size();  // no gradient goes back to the rows
        }
        own_ = std::make_shared<const std::vector<Layer>>(std::move(own));
        layers = own_->data();
    }

    // The same network over other features: those that a batch touches, or none.
    Layout with_features(size_t features) const {
        std::vector<LayerShape> shapes;
        for (const Layer& layer : *own_)
            shapes.push_back({layer.W.inputs, layer.W.outputs, layer.activation});
        shapes.front().inputs = features;
        return {shapes, output, first().W.lanes, first().W.panel / first().W.lanes};
    }

    HANDGRAD_INLINE const Layer* begin() const { return layers; }
    HANDGRAD_INLINE const Layer* end() const { return layers + depth; }
    HANDGRAD_INLINE const Layer& first() const { return layers[0]; }
    HANDGRAD_INLINE const Layer& last() const { return layers[depth - 1]; }
    HANDGRAD_INLINE size_t size() const { return last().end(); }
    HANDGRAD_INLINE size_t back_size() const { return back_size_; }
    // Whether each sample has one class. Otherwise its target is a number for each output.
    HANDGRAD_INLINE bool predicts_classes() const {
        return output == Output::softmax || (output == Output::logistic && last().W.outputs == 1);
    }
    // Numbers of a prediction: of a logistic output for two classes, both probabilities.
    HANDGRAD_INLINE size_t columns() const {
        const size_t outputs = last().W.outputs;
        return output == Output::logistic && outputs == 1 ? 2 : outputs;
    }

  private:
    std::shared_ptr<const std::vector<Layer>> own_;
    size_t back_size_ = 0;
};

}  // namespace handgrad
