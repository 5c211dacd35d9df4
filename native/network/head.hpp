// The output of the network, over a block of rows: from the logits to predictions (O4), cost (O2)
// and the last layer's dZ (O3), or to outputs (O1): probabilities or values.
//
// O3 is the same for every output and its own loss: (A − Y) times the row's share.
#pragma once

#include "network/outputs/single.hpp"
#include "network/outputs/softmax.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Calls action with an output that is computed for each row of the last layer by itself.
template <class T, class Action> inline void with_single_output(Output output, Action action) {
    switch (output) {
        case Output::softmax: return;
        case Output::logistic: return action(LogisticOutput<T>{});
        case Output::identity: return action(IdentityOutput<T>{});
        case Output::exp: return action(ExpOutput<T>{});
    }
}

// O4, O2 and O3: turns logits Z into dZ, and adds cost and hits to the metrics. There is room for
// the rows' sums, padded to whole vectors.
template <class T> inline void output_gradient(const Layout& layout, const Samples<T>& samples,
    size_t first, size_t rows, T* Z, T* sums, Metrics& metrics) {
    const Matrix& W = layout.last().W;
    if (layout.output == Output::softmax)
        return softmax_gradient(samples, first, rows, W.stride(), Z, sums, metrics);
    with_single_output<T>(layout.output,
        [&](auto of) { single_gradient<decltype(of)>(W, samples, first, rows, Z, metrics); });
}

// O1: one row per sample.
template <class T>
inline void write_outputs(const Layout& layout, size_t rows, const Scratch<T>& scratch, T* to) {
    T* const Z = scratch.dZ[layout.depth - 1];
    if (layout.output == Output::softmax) return softmax_outputs(layout.last().W, rows, Z, to);
    with_single_output<T>(
        layout.output, [&](auto of) { single_outputs<decltype(of)>(layout, rows, Z, to); });
}

}  // namespace handgrad::HANDGRAD_VARIANT
