// How many workers take the next stretch of batches: all, or one alone.
//
// Workers that meet several times a batch wait for each other. Where other programs want the
// processors too, one is often held up, and all with it: then one alone is faster, many times
// so. The slower is tried again now and then, so seldom that it costs next to nothing on a quiet
// machine. The bits are the same either way.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>

namespace handgrad {

class Crew {
  public:
    using Time = std::chrono::duration<double>;

    // Whether all workers take the next stretch.
    bool together() const { return (all_ <= alone_) != (since_trial_ >= pause_); }

    // What a stretch of so many rows took. A trial that changes nothing makes the next one wait
    // twice as long.
    void took(bool together, std::size_t rows, Time time) {
        const bool favoured = all_ <= alone_;
        (together ? all_ : alone_) = time / static_cast<double>(rows);
        since_trial_ += time;
        if (together == favoured) return;
        since_trial_ = Time(0);
        pause_ = (all_ <= alone_) == favoured ? std::min(2 * pause_, longest) : shortest;
    }

  private:
    static constexpr Time shortest{0.1}, longest{3};
    Time all_{0}, alone_{std::numeric_limits<double>::infinity()};  // a row
    Time pause_ = shortest, since_trial_{0};
};

}  // namespace handgrad
