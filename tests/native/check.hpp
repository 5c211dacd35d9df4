// What the programs of tests/native share: a check that ends the program, and numbers drawn alike
// on every machine.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include "types.hpp"

namespace handgrad {

inline void expect(bool holds, const std::string& what) {
    if (holds) return;
    std::fprintf(stderr, "failed: %s\n", what.c_str());
    std::_Exit(1);
}

class Random {
  public:
    uint32_t below(uint32_t end) {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<uint32_t>((state_ >> 33) % end);
    }
    double number() { return below(1u << 24) / static_cast<double>(1u << 24) - 0.5; }

  private:
    uint64_t state_ = 1;
};

}  // namespace handgrad
