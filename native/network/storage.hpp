// Parameters between NumPy's matrices, shaped as in the notes, and the core's layout.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "buffer.hpp"
#include "variants/kernels.hpp"

namespace handgrad {

template <class T> struct LayerArrays {  // in C order
    T *W, *b;                            // (outputs, inputs), (outputs, 1)
};
template <class T> using NetworkArrays = std::vector<LayerArrays<T>>;  // first layer to last

// Calls action(input, output, place) for every weight, place after place.
template <class Action> void each_weight(const Matrix& W, const Action& action) {
    for (size_t first = 0; first < W.outputs; first += W.panel) {
        const size_t end = std::min(W.outputs, first + W.panel);
        for (size_t input = 0; input < W.inputs; ++input) {
            size_t place = W.row(first, input);
            for (size_t output = first; output < end; ++output) action(input, output, place++);
        }
    }
}

// One matrix in the notes' shape, `stride` numbers from row to row, into panels, and back.
template <class T> void transpose_in(const Matrix& W, const T* from, size_t stride, T* to) {
    each_weight(W, [&](size_t input, size_t output, size_t place) {
        to[place] = from[output * stride + input];
    });
}

template <class T> void transpose_out(const Matrix& W, const T* from, T* to, size_t stride) {
    each_weight(W, [&](size_t input, size_t output, size_t place) {
        to[output * stride + input] = from[place];
    });
}

// Reads matrices of the notes' shapes; leaves padding as it is.
template <class T>
void import_arrays(const Layout& layout, const NetworkArrays<const T>& from, T* values) {
    for (size_t i = 0; i < layout.depth; ++i) {
        const Layer& layer = layout.layers[i];
        transpose_in(layer.W, from[i].W, layer.W.inputs, values + layer.W_start);
        std::copy_n(from[i].b, layer.W.outputs, values + layer.b_start);
    }
}

// Writes parameters, or their gradient, as matrices of the notes' shapes.
template <class T>
void export_arrays(const Layout& layout, const T* values, const NetworkArrays<T>& to) {
    for (size_t i = 0; i < layout.depth; ++i) {
        const Layer& layer = layout.layers[i];
        transpose_out(layer.W, values + layer.W_start, to[i].W, layer.W.inputs);
        std::copy_n(values + layer.b_start, layer.W.outputs, to[i].b);
    }
}

// What a trainer holds of a network's shape.
enum class Part : uint8_t { values, first_moments, second_moments };

// Parameters, and the moments of the rule: zeros at first, and no memory until a rule needs them.
template <class T> struct State {
    Buffer<T> values, first, second;

    explicit State(size_t size) : values(Buffer<T>::zeros(size)) {}
    void prepare_moments() {
        if (first.size() > 0) return;
        second = Buffer<T>::zeros(values.size());
        first = Buffer<T>::zeros(values.size());  // last: memory may end before
    }
    T* of(Part part) {
        if (part == Part::values) return values.data();
        prepare_moments();
        return (part == Part::first_moments ? first : second).data();
    }
    Update<T> update(const T* gradients, size_t slices, size_t gradient_stride) const {
        return {values.data(), first.data(), second.data(), gradients, slices, gradient_stride};
    }
};

template <class T> class ParameterStore {
  public:
    State<T> state;

    ParameterStore(const Layout& layout, const NetworkArrays<const T>& from)
        : state(layout.size()), layout_(layout), back_(Buffer<T>::zeros(layout.back_size())) {
        if (layout.output == Output::softmax)  // padding classes are impossible
            std::fill(values() + layout.last().b_start, values() + layout.size(),
                -std::numeric_limits<T>::infinity());
        read(Part::values, from);
        refresh();
    }

    T* values() const { return state.values.data(); }
    Parameters<T> view() const { return {&layout_, values(), back_.data()}; }
    void write(Part part, const NetworkArrays<T>& to) {
        export_arrays<T>(layout_, state.of(part), to);
    }
    void read(Part part, const NetworkArrays<const T>& from) {
        import_arrays(layout_, from, state.of(part));
    }

    // Brings the transposed copies of the weights up to date.
    void refresh() {
        for (size_t l = 1; l < layout_.depth; ++l) {
            const Layer& layer = layout_.layers[l];
            const T* const from = values() + layer.W_start;
            T* const to = back_.data() + layer.back_start;
            const Matrix &W = layer.W, &W_back = layer.W_back;
            for (size_t first = 0; first < W.inputs; first += W_back.panel) {
                const size_t end = std::min(W.inputs, first + W_back.panel);
                for (size_t k = 0; k < W.outputs; ++k) {
                    const size_t step = W.width(k / W.panel * W.panel);  // from input to input
                    const T* weight = from + W.at(first, k);
                    T* place = to + W_back.row(first, k);
                    for (size_t h = first; h < end; ++h, weight += step) *place++ = *weight;
                }
            }
        }
    }

    // The same for some of a layer's weights alone.
    void refresh(const Kernels<T>& kernels, size_t l, const WeightPart& part) const {
        const Layer& layer = layout_.layers[l];
        kernels.transpose_part(
            layer, part, values() + layer.W_start, back_.data() + layer.back_start);
    }

  private:
    const Layout& layout_;
    Buffer<T> back_;
};

// Σ W² of all layers but the first.
template <class T>
double squares_behind_first(const Kernels<T>& kernels, const Layout& layout, const T* values) {
    double sum = 0;
    for (size_t i = layout.depth - 1; i > 0; --i)
        sum += kernels.sum_of_squares(values + layout.layers[i].W_start, layout.layers[i].W.size());
    return sum;
}

// The rule that takes rate · gradient from each number.
template <class T> Rule<T> plain_descent(T rate) { return {Rule<T>::sgd, rate, 0, 0, 0}; }

// Takes a step with the parameters from begin to end; biases do not decay.
template <class T> void update_range(const Kernels<T>& kernels, const Layout& layout,
    const Rule<T>& rule, const Update<T>& update, size_t begin, size_t end) {
    if (rule.decay == 0) return kernels.update(rule, update, begin, end);
    Rule<T> of_biases = rule;
    of_biases.decay = 0;
    const auto part = [&](const Rule<T>& of_part, size_t from, size_t to) {
        from = std::max(begin, from), to = std::min(end, to);
        if (from < to) kernels.update(of_part, update, from, to);
    };
    for (const Layer& layer : layout) {
        part(rule, layer.W_start, layer.b_start);
        part(of_biases, layer.b_start, layer.end());
    }
}

}  // namespace handgrad
