// How many workers take the next batches: all, or one alone.
//
// Workers wait for each other at several barriers per batch. If other programs use the processors
// too, one worker is often delayed and delays all others: then one worker alone is many times
// faster. One alone is tried if workers have waited until they went to sleep, which none does on
// an idle machine; and all together are tried again now and then. The bits are the same either
// way.
#pragma once

#include "threads/thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

namespace handgrad {

class Contention {
  public:
    using Time = std::chrono::duration<double>;

    // Calls take(worker, workers, wait) for batches with that many rows, in all workers at the same
    // time, where wait() is a barrier, or in one worker alone.
    template <class Take> void run(ThreadPool& pool, size_t rows, const Take& take) {
        const size_t workers = pool.workers(), sleeps = pool.sleeps();
        const auto begin = std::chrono::steady_clock::now();
        if (workers == 1 || use_all())
            pool.run([&](size_t worker) { take(worker, workers, [&] { pool.barrier(); }); });
        else
            take(0, 1, [] {});
        record(rows, std::chrono::steady_clock::now() - begin, pool.sleeps() - sleeps);
    }

    // Whether all workers take the next batches.
    bool use_all() const { return favoured_ != trying_; }

    // The time that batches with that many rows took, and how often a worker went to sleep.
    void record(size_t rows, Time time, size_t sleeps) {
        if (use_all()) sleeps_ += sleeps;  // workers without work sleep as well
        if (cold_) {
            cold_ = false;  // the workers' caches still hold something else
            return;
        }
        rows_ += rows;
        spent_ += time;
        if (spent_ < (trying_ ? trial : watch)) return;
        (use_all() ? all_ : alone_) = spent_ / static_cast<double>(rows_);
        const bool better = favoured_ ? alone_ < all_ : all_ < alone_, tried = trying_;
        since_trial_ = better || tried ? Time(0) : since_trial_ + spent_;
        if (better) {
            favoured_ = !favoured_;
            pause_ = shortest;
        } else if (tried) {  // without success: the next trial waits twice as long
            pause_ = std::min(2 * pause_, longest);
        }
        trying_ = !better && !tried && since_trial_ >= pause_ && (!favoured_ || sleeps_ > 0);
        if (trying_) sleeps_ = 0;
        cold_ = trying_ || better != tried;
        rows_ = 0;
        spent_ = Time(0);
    }

  private:
    static constexpr Time watch{0.05}, trial{0.02};   // long enough to tell noise from load
    static constexpr Time shortest{0.2}, longest{3};  // between trials
    Time all_{0}, alone_{std::numeric_limits<double>::infinity()};  // per row
    Time pause_ = shortest, since_trial_{0}, spent_{0};
    size_t rows_ = 0, sleeps_ = 0;
    bool favoured_ = true, trying_ = false, cold_ = true;  // true: all
};

}  // namespace handgrad
