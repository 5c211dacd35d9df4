// Compiled once for each instruction set, with HANDGRAD_VARIANT and VECTOR_BYTES set.
#include "passes.hpp"
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

// Rows from begin to end; `room` holds one row's indices and values and their slack, since a
// row is compressed with more written than is kept.
template <class V, class Index>
void pack_as(
    const Rows& rows, std::size_t begin, std::size_t end, const Rows& packed, void* room) {
    const std::size_t most = rows.features + compress_slack;
    V* values = static_cast<V*>(room);
    Index* indices = reinterpret_cast<Index*>(values + most);
    V* to_values = const_cast<V*>(static_cast<const V*>(packed.values));
    Index* to_indices = const_cast<Index*>(static_cast<const Index*>(packed.indices));
    with_type(rows.type, [&](auto null) {
        const auto* from = static_cast<decltype(null)>(rows.values);
        for (std::size_t row = begin; row < end; ++row) {
            const std::size_t count =
                compress_row(from + row * rows.stride, rows.features, indices, values);
            const std::size_t start = static_cast<std::size_t>(packed.starts[row]);
            __builtin_memcpy(to_values + start, values, count * sizeof(V));
            __builtin_memcpy(to_indices + start, indices, count * sizeof(Index));
        }
    });
}

template <class T>
void pack(const Rows& rows, std::size_t begin, std::size_t end, const Rows& packed, void* room) {
    if (packed.type == Number::pixel) {
        if (packed.short_indices)
            pack_as<std::uint8_t, std::uint16_t>(rows, begin, end, packed, room);
        else
            pack_as<std::uint8_t, std::int32_t>(rows, begin, end, packed, room);
    } else if (packed.short_indices) {
        pack_as<T, std::uint16_t>(rows, begin, end, packed, room);
    } else {
        pack_as<T, std::int32_t>(rows, begin, end, packed, room);
    }
}

// Whether no number of the rows is NaN or infinite: such a number less itself is not 0.
template <class X> bool finite_numbers(const X* values, std::size_t count) {
    Vector<X> sum{};
    std::size_t i = 0;
    for (; i + lanes<X> <= count; i += lanes<X>) {
        const Vector<X> v = load(values + i);
        sum += v - v;
    }
    X rest = 0;
    for (; i < count; ++i) rest += values[i] - values[i];
    for (std::size_t lane = 0; lane < lanes<X>; ++lane) rest += sum[lane];
    return rest == 0;
}

bool finite(const Rows& rows, std::size_t begin, std::size_t end) {
    return with_type(rows.type, [&](auto null) {
        using X = std::remove_const_t<std::remove_pointer_t<decltype(null)>>;
        if constexpr (!std::is_same_v<X, std::uint8_t>) {
            const X* values = static_cast<const X*>(rows.values);
            if (rows.sparse())
                return finite_numbers(
                    values + rows.starts[begin],
                    static_cast<std::size_t>(rows.starts[end] - rows.starts[begin]));
            for (std::size_t row = begin; row < end; ++row)
                if (!finite_numbers(values + row * rows.stride, rows.features)) return false;
        }
        return true;
    });
}

template <class T>
constexpr Kernels<T> kernels = {
    lanes<T>, panel_vectors,  step<T>, predict<T>, update<T>,
    coast<T>, count_nonzeros, pack<T>, finite};

extern const Kernels<float> single;
extern const Kernels<double> twofold;
const Kernels<float> single = kernels<float>;
const Kernels<double> twofold = kernels<double>;

}  // namespace handgrad::HANDGRAD_VARIANT
