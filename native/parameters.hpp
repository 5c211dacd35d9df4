// The four parameters between NumPy's matrices, as the notes shape them, and the core's layout.
#pragma once

#include <algorithm>
#include <limits>

#include "buffer.hpp"
#include "kernels.hpp"

namespace handgrad {

template <class T> struct Arrays {  // C order: (H, D), (H, 1), (K, H), (K, 1)
    T *W1, *b1, *W2, *b2;
};

// Calls action(input, output, place) for every weight, place after place.
template <class Action> void each_weight(const Matrix& W, const Action& action) {
    for (std::size_t first = 0; first < W.outputs; first += W.panel) {
        const std::size_t end = std::min(W.outputs, first + W.panel);
        for (std::size_t input = 0; input < W.inputs; ++input) {
            std::size_t place = W.row(first, input);
            for (std::size_t output = first; output < end; ++output) action(input, output, place++);
        }
    }
}

// One matrix in the notes' shape, `stride` numbers from row to row, into panels, and back.
template <class T>
void transpose_in(const Matrix& W, const T* from, std::size_t stride, T* to) {
    each_weight(W, [&](std::size_t input, std::size_t output, std::size_t place) {
        to[place] = from[output * stride + input];
    });
}

template <class T>
void transpose_out(const Matrix& W, const T* from, T* to, std::size_t stride) {
    each_weight(W, [&](std::size_t input, std::size_t output, std::size_t place) {
        to[output * stride + input] = from[place];
    });
}

// Reads matrices of the notes' shapes; leaves padding as it is.
template <class T>
void import_arrays(const Layout& layout, const Arrays<const T>& from, T* values) {
    transpose_in(layout.W1, from.W1, layout.D, values);
    std::copy(from.b1, from.b1 + layout.H, values + layout.b1());
    transpose_in(layout.W2, from.W2, layout.H, values + layout.W2_start());
    std::copy(from.b2, from.b2 + layout.K, values + layout.b2());
}

template <class T> class ParameterStore {
  public:
    ParameterStore(const Layout& layout, const Arrays<const T>& from)
        : layout_(layout), values_(Buffer<T>::zeros(layout.size())),
          W2_back_(Buffer<T>::zeros(layout.W2_back.size())) {
        std::fill(values() + layout.b2(), values() + layout.size(),
                  -std::numeric_limits<T>::infinity());
        import_arrays(layout, from, values());
        refresh();
    }

    T* values() const { return values_.data(); }
    Parameters<T> view() const { return {&layout_, values(), W2_back_.data()}; }

    // Brings the second copy of W2 up to date with the first.
    void refresh() {
        const T* W2 = values() + layout_.W2_start();
        const Matrix& from = layout_.W2;
        each_weight(layout_.W2_back, [&](std::size_t k, std::size_t h, std::size_t place) {
            W2_back_[place] = W2[from.at(h, k)];
        });
    }

  private:
    const Layout& layout_;
    Buffer<T> values_, W2_back_;
};

// Takes a step with some of the parameters; biases do not decay.
template <class T>
void update_range(const Kernels<T>& kernels, const Layout& layout, const Rule<T>& rule,
                  const Update<T>& update, std::size_t begin, std::size_t end) {
    if (rule.decay == 0) return kernels.update(rule, update, begin, end);
    Rule<T> of_biases = rule;
    of_biases.decay = 0;
    const std::size_t borders[] = {0, layout.b1(), layout.W2_start(), layout.b2(), layout.size()};
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t from = std::max(begin, borders[i]), to = std::min(end, borders[i + 1]);
        if (from < to) kernels.update(i % 2 == 0 ? rule : of_biases, update, from, to);
    }
}

// Writes parameters, or their gradient, as matrices of the notes' shapes.
template <class T> void export_arrays(const Layout& layout, const T* values, const Arrays<T>& to) {
    transpose_out(layout.W1, values, to.W1, layout.D);
    std::copy(values + layout.b1(), values + layout.b1() + layout.H, to.b1);
    transpose_out(layout.W2, values + layout.W2_start(), to.W2, layout.H);
    std::copy(values + layout.b2(), values + layout.b2() + layout.K, to.b2);
}

}  // namespace handgrad
