// What is done once to rows before a run: their non-zeros are counted and packed, and their values
// are checked.
#pragma once

#include "rows/block.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Counts, or packs, what is not zero in dense rows. Another thread may write to the rows between
// the two: no more is packed than there is room for, and zeros where less is found.
inline std::size_t count_nonzeros(const Rows& rows, std::size_t row) {
    return with_type(rows.type, [&](auto null) {
        const auto* values = static_cast<decltype(null)>(rows.values) + row * rows.stride;
        std::size_t count = 0;
        for (std::size_t d = 0; d < rows.features; ++d) count += values[d] != 0;
        return count;
    });
}

// Calls action with a row's indices, values and their number. `room` holds them and their slack,
// since a row is compressed with more written than is kept.
template <class V, class Index, class Action>
void with_nonzeros(const Rows& rows, std::size_t row, void* room, Action action) {
    const std::size_t most = rows.features + compress_slack;
    Index* indices = static_cast<Index*>(room);
    // In whole groups, so that the values after them are aligned.
    V* values = reinterpret_cast<V*>(indices + (most + 3) / 4 * 4);
    with_type(rows.type, [&](auto null) {
        const auto* from = static_cast<decltype(null)>(rows.values) + row * rows.stride;
        V scale = 1;
        if constexpr (!std::is_same_v<V, std::uint8_t>) scale = static_cast<V>(rows.scale);
        action(indices, values, compress_row(from, rows.features, indices, values, scale));
    });
}

template <class V, class Index>
void pack_as(const Rows& rows, std::size_t row, const PackedRow& to, void* room) {
    V* to_values = const_cast<V*>(static_cast<const V*>(to.rows.values));
    Index* to_indices = const_cast<Index*>(static_cast<const Index*>(to.rows.indices));
    const std::size_t start = static_cast<std::size_t>(to.rows.starts[to.row]);
    const std::size_t counted = static_cast<std::size_t>(to.rows.starts[to.row + 1]) - start;
    with_nonzeros<V, Index>(
        rows, row, room, [&](const Index* indices, const V* values, std::size_t found) {
            const std::size_t count = found < counted ? found : counted;
            __builtin_memcpy(to_values + start, values, count * sizeof(V));
            __builtin_memcpy(to_indices + start, indices, count * sizeof(Index));
            for (std::size_t i = count; i < counted; ++i) {
                to_values[start + i] = 0;
                to_indices[start + i] = 0;
            }
        });
}

template <class T> void pack(const Rows& rows, std::size_t row, const PackedRow& to, void* room) {
    if (to.rows.type == Number::uint8) {
        if (to.rows.short_indices)
            pack_as<std::uint8_t, std::uint16_t>(rows, row, to, room);
        else
            pack_as<std::uint8_t, std::int32_t>(rows, row, to, room);
    } else if (to.rows.short_indices) {
        pack_as<T, std::uint16_t>(rows, row, to, room);
    } else {
        pack_as<T, std::int32_t>(rows, row, to, room);
    }
}

inline void count_by_feature(const Rows& rows, std::size_t row, std::uint32_t* counts) {
    with_type(rows.type, [&](auto null) {
        const auto* values = static_cast<decltype(null)>(rows.values) + row * rows.stride;
        for (std::size_t d = 0; d < rows.features; ++d) counts[d] += values[d] != 0;
    });
}

template <class T, class Index> void pack_groups_as(
    const Rows& rows, std::size_t row, NonzeroGroup<T, Index>* to, std::size_t groups, void* room) {
    with_nonzeros<T, Index>(
        rows, row, room, [&](const Index* indices, const T* values, std::size_t count) {
            for (std::size_t i = 0; i < 4 * groups; ++i) {
                to[i / 4].values[i % 4] = i < count ? values[i] : 0;
                to[i / 4].features[i % 4] = i < count ? indices[i] : 0;
            }
        });
}

template <class T> void pack_groups(const Rows& rows, std::size_t row, bool short_indices, void* to,
    std::size_t groups, void* room) {
    if (short_indices)
        pack_groups_as(rows, row, static_cast<NonzeroGroup<T, std::uint16_t>*>(to), groups, room);
    else
        pack_groups_as(rows, row, static_cast<NonzeroGroup<T, std::int32_t>*>(to), groups, room);
}

// The type's nearest number: a bound beyond the type's range is its range's end.
template <class X> X bound(double value) {
    constexpr double largest = sizeof(X) == 4 ? __FLT_MAX__ : __DBL_MAX__;
    return static_cast<X>(value > largest ? largest : value < -largest ? -largest : value);
}

template <class X> bool numbers_within(const X* values, std::size_t count, X least, X most) {
    Integers<X> inside = ~Integers<X>{};
    std::size_t i = 0;
    for (; i + lanes<X> <= count; i += lanes<X>) {
        const Vector<X> v = load(values + i);
        inside &= (v >= least) & (v <= most);
    }
    bool all = true;
    for (; i < count; ++i) all &= values[i] >= least && values[i] <= most;
    for (std::size_t lane = 0; lane < lanes<X>; ++lane) all &= inside[lane] != 0;
    return all;
}

inline bool within(
    const Rows& rows, std::size_t begin, std::size_t end, double least, double most) {
    return with_type(rows.type, [&](auto null) {
        using X = std::remove_const_t<std::remove_pointer_t<decltype(null)>>;
        if constexpr (!std::is_same_v<X, std::uint8_t>) {
            const X* values = static_cast<const X*>(rows.values);
            const X low = bound<X>(least), high = bound<X>(most);
            if (rows.sparse())
                return numbers_within(values + rows.starts[begin],
                    static_cast<std::size_t>(rows.starts[end] - rows.starts[begin]), low, high);
            for (std::size_t row = begin; row < end; ++row)
                if (!numbers_within(values + row * rows.stride, rows.features, low, high))
                    return false;
        }
        return true;
    });
}

}  // namespace handgrad::HANDGRAD_VARIANT
