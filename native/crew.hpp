// How many workers take the next stretch of batches: all, or one alone.
//
// Workers that meet several times a batch wait for each other. Where other programs want the
// processors too, one is often held up, and all with it: then one alone is faster, many times
// so. Both are tried now and then, and the faster goes on. The bits are the same either way.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>

namespace handgrad {

class Crew {
  public:
    // Whether all workers take the next stretch.
    bool together() {
        const bool favoured = all_ <= alone_;
        if (--until_trial_ > 0) return favoured;
        until_trial_ = pause_;
        return !favoured;
    }

    // What a stretch of so many rows took. A trial that changes nothing makes the next one wait
    // twice as long.
    void took(bool together, std::size_t rows, std::chrono::duration<double> time) {
        const bool favoured = all_ <= alone_;
        (together ? all_ : alone_) = time.count() / static_cast<double>(rows);
        if ((all_ <= alone_) != favoured)
            pause_ = shortest;
        else if (together != favoured)
            pause_ = std::min(2 * pause_, longest);
    }

  private:
    static constexpr int shortest = 8, longest = 256;  // stretches
    double all_ = 0, alone_ = std::numeric_limits<double>::infinity();  // seconds a row
    int pause_ = shortest, until_trial_ = shortest;
};

}  // namespace handgrad
