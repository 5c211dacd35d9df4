// How many workers take the next stretch of batches: all, or one alone.
//
// Workers that meet several times a batch wait for each other. Where other programs want the
// processors too, one is often held up, and all with it: then one alone is faster, many times
// so. One alone is tried where workers have waited until they fell asleep, which none does on a
// quiet machine; and all together again now and then. The bits are the same either way.
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
    bool together() const { return favoured_ != trying_; }

    // What a stretch of so many rows took, and how often a worker fell asleep in it.
    void took(std::size_t rows, Time time, std::size_t naps) {
        if (together()) naps_ += naps;  // who has nothing to do sleeps as well
        if (cold_) {
            cold_ = false;  // the caches of those who come to it hold something else
            return;
        }
        rows_ += rows;
        spent_ += time;
        if (spent_ < (trying_ ? trial : watch)) return;
        (together() ? all_ : alone_) = spent_ / static_cast<double>(rows_);
        since_trial_ += spent_;
        const bool better = favoured_ ? alone_ < all_ : all_ < alone_;
        if (better) {
            favoured_ = !favoured_;
            pause_ = shortest;
        } else if (trying_) {  // in vain: the next trial waits twice as long
            pause_ = std::min(2 * pause_, longest);
        }
        const bool tried = trying_;
        if (better || tried) since_trial_ = Time(0);
        const bool due = since_trial_ >= pause_ && (!favoured_ || naps_ > 0);
        trying_ = !better && !tried && due;
        if (trying_) naps_ = 0;
        cold_ = trying_ || better != tried;
        rows_ = 0;
        spent_ = Time(0);
    }

  private:
    static constexpr Time watch{0.05}, trial{0.02};      // long enough to tell noise from load
    static constexpr Time shortest{0.2}, longest{3};     // between trials
    Time all_{0}, alone_{std::numeric_limits<double>::infinity()};  // a row
    Time pause_ = shortest, since_trial_{0}, spent_{0};
    std::size_t rows_ = 0, naps_ = 0;
    bool favoured_ = true, trying_ = false, cold_ = true;  // true: all
};

}  // namespace handgrad
