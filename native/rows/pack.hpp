// What is done once to rows before a run: their non-zeros are counted and packed, and their values
// are checked.
#pragma once

#include "rows/block.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Counts, or packs, what is not zero in dense rows. Another thread may write to the rows between
// the two: no more is packed than there is room for, and zeros where less is found.
inline size_t count_nonzeros(const Rows& rows, size_t row) {
    return with_values(rows, row * rows.stride, [&](const auto* values) {
        using X = std::remove_const_t<std::remove_pointer_t<decltype(values)>>;
        // As narrow as the values, so that a vector counts as many as it holds.
        using Count = std::conditional_t<sizeof(X) == 1, uint8_t, Integer<X>>;
        constexpr size_t part = 128;  // fits a byte
        size_t count = 0;
        for (size_t from = 0; from < rows.features; from += part) {
            const size_t end = from + part < rows.features ? from + part : rows.features;
            Count some = 0;
            for (size_t d = from; d < end; ++d) some += static_cast<Count>(values[d] != 0);
            count += some;
        }
        return count;
    });
}

// Calls action with a row's indices, values and their number. `room` holds them and their slack,
// since a row is compressed with more written than is kept.
template <class V, class Index, class Action>
void with_nonzeros(const Rows& rows, size_t row, void* room, Action action) {
    const size_t most = rows.features + compress_slack;
    Index* indices = static_cast<Index*>(room);
    // In whole groups, so that the values after them are aligned.
    V* values = reinterpret_cast<V*>(indices + (most + 3) / 4 * 4);
    with_values(rows, row * rows.stride, [&](const auto* from) {
        V scale = 1;
        if constexpr (!std::is_same_v<V, uint8_t>) scale = static_cast<V>(rows.scale);
        action(indices, values, compress_row(from, rows.features, indices, values, scale));
    });
}

template <class V, class Index>
void pack_as(const Rows& rows, size_t row, const Rows& to, void* room) {
    const size_t start = to.starts[row], counted = to.starts[row + 1] - start;
    V* to_values = const_cast<V*>(static_cast<const V*>(to.values)) + start;
    Index* to_indices = const_cast<Index*>(static_cast<const Index*>(to.indices)) + start;
    with_nonzeros<V, Index>(
        rows, row, room, [&](const Index* indices, const V* values, size_t found) {
            const size_t count = found < counted ? found : counted;
            __builtin_memcpy(to_values, values, count * sizeof(V));
            __builtin_memcpy(to_indices, indices, count * sizeof(Index));
            for (size_t i = count; i < counted; ++i) to_values[i] = 0, to_indices[i] = 0;
        });
}

template <class T> void pack(const Rows& rows, size_t row, const Rows& to, void* room) {
    with_index(to.short_indices, [&](auto index) {
        if (to.type == Number::uint8)
            pack_as<uint8_t, decltype(index)>(rows, row, to, room);
        else
            pack_as<T, decltype(index)>(rows, row, to, room);
    });
}

template <class T> void pack_groups(
    const Rows& rows, size_t row, bool short_indices, void* to, size_t groups, void* room) {
    with_index(short_indices, [&](auto index) {
        using Index = decltype(index);
        auto* group = static_cast<NonzeroGroup<T, Index>*>(to);
        with_nonzeros<T, Index>(
            rows, row, room, [&](const Index* indices, const T* values, size_t count) {
                for (size_t i = 0; i < 4 * groups; ++i) {
                    group[i / 4].values[i % 4] = i < count ? values[i] : 0;
                    group[i / 4].features[i % 4] = i < count ? indices[i] : 0;
                }
            });
    });
}

// The type's nearest number: a bound beyond the type's range is its range's end.
template <class X> X bound(double value) {
    constexpr double largest = sizeof(X) == 4 ? __FLT_MAX__ : __DBL_MAX__;
    return static_cast<X>(value > largest ? largest : value < -largest ? -largest : value);
}

inline bool within(const Rows& rows, size_t begin, size_t end, double least, double most) {
    return with_values(rows, 0, [&](const auto* values) {
        using X = std::remove_const_t<std::remove_pointer_t<decltype(values)>>;
        if constexpr (!std::is_same_v<X, uint8_t>) {
            const X low = bound<X>(least), high = bound<X>(most);
            const auto inside = [&](const X* from, size_t count) {
                Integer<X> all = 1;
                for (size_t i = 0; i < count; ++i) all &= (from[i] >= low) & (from[i] <= high);
                return all != 0;
            };
            if (rows.sparse())
                return inside(values + rows.starts[begin], rows.starts[end] - rows.starts[begin]);
            for (size_t row = begin; row < end; ++row)
                if (!inside(values + row * rows.stride, rows.features)) return false;
        }
        return true;
    });
}

}  // namespace handgrad::HANDGRAD_VARIANT
