// Panels of a matrix of weights (network/layout.hpp), for whose widths the products are compiled.
#pragma once

#include <type_traits>

#include "network/layout.hpp"
#include "variants/vector.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Calls action with a width of at least P and at most `most` as a constant.
template <std::size_t P, std::size_t most, class Action>
inline void with_width(std::size_t width, Action action) {
    if constexpr (P < most)
        if (width > P) return with_width<P + 1, most>(width, action);
    action(std::integral_constant<std::size_t, P>{});
}

// Calls action with each panel's width in vectors, as a constant, and its first output.
template <class T, std::size_t most = panel_vectors, class Action>
inline void each_panel(const Matrix& W, Action action) {
    for (std::size_t first = 0; first < W.stride(); first += W.panel)
        with_width<1, most>(W.width(first) / lanes<T>, [&](auto P) { action(P, first); });
}

}  // namespace handgrad::HANDGRAD_VARIANT
