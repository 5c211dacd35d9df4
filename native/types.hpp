// The numbers that all of the core counts with.
#pragma once

#include <cstddef>
#include <cstdint>

// Shared by code for several instruction sets: no copy of these may be linked from one to another.
#define HANDGRAD_INLINE [[gnu::always_inline]] inline

namespace handgrad {

using std::int32_t, std::int64_t, std::size_t;
using std::uint16_t, std::uint32_t, std::uint64_t, std::uint8_t;

}  // namespace handgrad
