// The samples as the core sees them. native/README.md names the five forms of rows.
#pragma once

#include "network/layout.hpp"

namespace handgrad {

enum class Number : uint8_t { uint8, float32, float64 };

template <class X> constexpr Number number_of() {
    return sizeof(X) == 1 ? Number::uint8 : sizeof(X) == 4 ? Number::float32 : Number::float64;
}
HANDGRAD_INLINE size_t size_of(Number type) {
    return type == Number::uint8 ? 1 : type == Number::float32 ? 4 : 8;
}

// The same non-zeros once more, in compressed sparse columns within each block of rows: what the
// gradient of one feature adds up then stays in a register. A block's entries lie where those of
// its rows do; `starts` counts from there, features + 1 numbers per block.
struct CscBlocks {
    static constexpr size_t block = 256;  // so that a row's place in it is one byte
    const uint32_t* starts;
    const uint8_t* rows;
    const void* values;
};

// Dense rows or compressed sparse rows (CSR). Their values are not copied; CSR's starts and
// indices, by which memory is found, are the core's own.
struct Rows {
    size_t count = 0, features = 0;
    const void* values = nullptr;
    Number type = Number::uint8;
    double scale = 1.0 / 255;  // that bytes are multiplied by where they are used: pixels'
    size_t stride = 0;         // numbers from one dense row to the next

    const size_t* starts = nullptr;  // of CSR rows; null for dense ones
    const void* indices = nullptr;
    bool short_indices = false;      // uint16 instead of int32, where features are few enough
    const CscBlocks* csc = nullptr;  // of rows that were packed for full batches

    HANDGRAD_INLINE bool sparse() const { return starts != nullptr; }
};

// Calls action with the rows' values from a place on, as their type.
template <class Action>
HANDGRAD_INLINE auto with_values(const Rows& rows, size_t place, Action action) {
    switch (rows.type) {
        case Number::uint8: return action(static_cast<const uint8_t*>(rows.values) + place);
        case Number::float32: return action(static_cast<const float*>(rows.values) + place);
        default: return action(static_cast<const double*>(rows.values) + place);
    }
}

// Calls action with a number of the type of the indices.
template <class Action> HANDGRAD_INLINE auto with_index(bool short_indices, Action action) {
    return short_indices ? action(uint16_t{}) : action(int32_t{});
}

// Non-zeros and their features in groups of four, filled up with zeros, one behind the other as
// they are read. The features are cut into shards; a row's shards follow one another.
template <class T, class Index> struct NonzeroGroup {
    T values[4];
    Index features[4];  // counted from the shard's first
};

struct ShardedRows {
    size_t shards = 0;
    const uint32_t* starts = nullptr;  // of row r and shard s: r · shards + s; and the end
    const void* groups = nullptr;
    bool short_indices = false;  // uint16 instead of int32
};

// Which rows a pass reads, in which order, and the share of each in the cost.
template <class T> struct Samples {
    const Rows* rows;
    const int32_t* labels = nullptr;  // of all rows: their classes
    const T* values = nullptr;        // or one number for each output: 0/1 of labels, or values
    double loss_scale = 1;            // of squared errors in the cost, not in the gradient
    const int64_t* order = nullptr;   // sample i is row order[i]; null: row i
    size_t count = 0;                 // of samples; no more than these are read ahead
    const T* shares = nullptr;        // of the samples, in O2 and O3; null: share each
    T share = 0;
    bool skip_zeros = false;         // of dense rows
    bool scale_sums = false;         // sums of bytes are scaled, not the bytes (one_slice.hpp)
    const int32_t* slots = nullptr;  // where in dW1 a feature's row stands; null: its own

    HANDGRAD_INLINE size_t row(size_t sample) const {
        return order ? static_cast<size_t>(order[sample]) : sample;
    }
    HANDGRAD_INLINE bool nonzeros() const { return rows->sparse() || skip_zeros; }
    HANDGRAD_INLINE T share_of(size_t sample) const { return shares ? shares[sample] : share; }
    // What a value is multiplied by as it becomes a T, and what a sum of such values is.
    HANDGRAD_INLINE T value_scale() const {
        return scale_sums ? T(1) : static_cast<T>(rows->scale);
    }
    HANDGRAD_INLINE T sum_scale() const {
        return scale_sums && rows->type == Number::uint8 ? static_cast<T>(rows->scale) : T(1);
    }
};

}  // namespace handgrad
