// The samples as the core sees them: dense rows or compressed sparse rows (CSR). Their values are
// never copied; what memory is found by, CSR's starts and indices, is the core's own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "layout.hpp"

namespace handgrad {

enum class Number : std::uint8_t { byte, single, twofold };  // uint8, float32, float64

// The same non-zeros once more, feature by feature within each block of rows: what the gradient
// of one feature adds up then stands in a register. A block's entries lie where those of its rows
// do; `starts` counts from there, features + 1 numbers a block.
struct Columns {
    static constexpr std::size_t block = 256;  // so that a row's place in it is one byte
    const std::uint32_t* starts;
    const std::uint8_t* rows;
    const void* values;
};

struct Rows {
    std::size_t count = 0, features = 0;
    const void* values = nullptr;
    Number type = Number::byte;
    double scale = 1.0 / 255;  // what bytes are multiplied with where they are used: pixels'
    std::size_t stride = 0;  // numbers from one dense row to the next

    const std::int64_t* starts = nullptr;  // of CSR rows; null for dense ones
    const void* indices = nullptr;
    bool short_indices = false;  // uint16 instead of int32
    const Columns* columns = nullptr;  // of rows that a run has packed

    HANDGRAD_INLINE bool sparse() const { return starts != nullptr; }
};

// Rows packed for batches: non-zeros and their features in fours, filled up with zeros, one behind
// the other as they are read. The features are cut into shards; those of a row follow one another.
template <class T, class Index> struct Four {
    T values[4];
    Index features[4];  // counted from the shard's first
};

struct ShardedRows {
    std::size_t shards = 0;
    const std::uint32_t* starts = nullptr;  // of row r and shard s: r · shards + s; and the end
    const void* fours = nullptr;
    bool short_indices = false;  // uint16 instead of int32
};

// Some columns of dense rows.
inline Rows some_features(const Rows& rows, std::size_t begin, std::size_t end) {
    const std::size_t size = rows.type == Number::byte ? 1 : rows.type == Number::single ? 4 : 8;
    Rows some = rows;
    some.features = end - begin;
    some.values = static_cast<const unsigned char*>(rows.values) + begin * size;
    return some;
}

// Which rows a pass reads, in which order, and what each one counts.
template <class T> struct Samples {
    const Rows* rows;
    const std::int32_t* labels;         // of all rows
    const std::int64_t* order = nullptr;  // sample i is row order[i]; null: row i
    std::size_t count = 0;                // of samples; no more than these are read ahead
    const T* shares = nullptr;          // of the samples, in C1 and B1; null: share each
    T share = 0;
    bool skip_zeros = false;            // of dense rows
    bool pinned = false;                // the logit of class 0 stays as it is: dZ2 is 0 there
    const std::int32_t* slots = nullptr;  // where in dW1 a feature's row stands; null: its own

    HANDGRAD_INLINE std::size_t row(std::size_t sample) const {
        return order ? static_cast<std::size_t>(order[sample]) : sample;
    }
};

}  // namespace handgrad
