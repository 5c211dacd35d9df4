// Panels of a matrix of weights (network/layout.hpp), for whose widths the products are compiled.
#pragma once

#include <type_traits>

#include "network/layout.hpp"
#include "variants/vector.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Calls action with a width of at least P and at most `most` as a constant.
template <size_t P, size_t most, class Action> inline void with_width(size_t width, Action action) {
    if constexpr (P < most)
        if (width > P) return with_width<P + 1, most>(width, action);
    action(std::integral_constant<size_t, P>{});
}

// Calls action with each panel's width in vectors, as a constant, and its first output.
template <class T, size_t most = panel_vectors, class Action>
inline void each_panel(const Matrix& W, Action action) {
    for (size_t first = 0; first < W.stride(); first += W.panel)
        with_width<1, most>(W.width(first) / lanes<T>, [&](auto P) { action(P, first); });
}

}  // namespace handgrad::HANDGRAD_VARIANT
