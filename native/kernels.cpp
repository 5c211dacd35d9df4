// Compiled once for each instruction set, with HANDGRAD_VARIANT and VECTOR_BYTES set.
#include "passes.hpp"
#include "shard_passes.hpp"
#include "updates.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// Counts, or packs, what is not zero in dense rows.
std::size_t count_nonzeros(const Rows& rows, std::size_t row) {
    return with_type(rows.type, [&](auto null) {
        const auto* values = static_cast<decltype(null)>(rows.values) + row * rows.stride;
        std::size_t count = 0;
        for (std::size_t d = 0; d < rows.features; ++d) count += values[d] != 0;
        return count;
    });
}

// `room` holds a row's indices and values and their slack, since a row is compressed with more
// written than is kept.
template <class V, class Index>
void pack_as(const Rows& rows, std::size_t row, const PackedRow& to, void* room) {
    const std::size_t most = rows.features + compress_slack;
    Index* indices = static_cast<Index*>(room);
    // In whole fours, so that the values after them are aligned.
    V* values = reinterpret_cast<V*>(indices + (most + 3) / 4 * 4);
    V* to_values = const_cast<V*>(static_cast<const V*>(to.rows.values));
    Index* to_indices = const_cast<Index*>(static_cast<const Index*>(to.rows.indices));
    with_type(rows.type, [&](auto null) {
        const auto* from = static_cast<decltype(null)>(rows.values) + row * rows.stride;
        const std::size_t count = compress_row(from, rows.features, indices, values);
        const std::size_t start = static_cast<std::size_t>(to.rows.starts[to.row]);
        __builtin_memcpy(to_values + start, values, count * sizeof(V));
        __builtin_memcpy(to_indices + start, indices, count * sizeof(Index));
        const std::size_t end = static_cast<std::size_t>(to.rows.starts[to.row + 1]);
        for (std::size_t i = start + count; i < end; ++i) to_values[i] = 0, to_indices[i] = 0;
    });
}

template <class T>
void pack(const Rows& rows, std::size_t row, const PackedRow& to, void* room) {
    if (to.rows.type == Number::pixel) {
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

bool within(const Rows& rows, std::size_t begin, std::size_t end, double least, double most) {
    return with_type(rows.type, [&](auto null) {
        using X = std::remove_const_t<std::remove_pointer_t<decltype(null)>>;
        if constexpr (!std::is_same_v<X, std::uint8_t>) {
            const X* values = static_cast<const X*>(rows.values);
            const X low = bound<X>(least), high = bound<X>(most);
            if (rows.sparse())
                return numbers_within(
                    values + rows.starts[begin],
                    static_cast<std::size_t>(rows.starts[end] - rows.starts[begin]), low, high);
            for (std::size_t row = begin; row < end; ++row)
                if (!numbers_within(values + row * rows.stride, rows.features, low, high))
                    return false;
        }
        return true;
    });
}

template <class T>
constexpr Kernels<T> kernels = {
    lanes<T>, panel_vectors,     step<T>,   predict<T>, shard_forward<T>,
    head<T>,  shard_backward<T>, update<T>, sum_of_squares<T>,
    coast<T>, count_nonzeros,    pack<T>,   within};

extern const Kernels<float> single;
extern const Kernels<double> twofold;
const Kernels<float> single = kernels<float>;
const Kernels<double> twofold = kernels<double>;

}  // namespace handgrad::HANDGRAD_VARIANT
