// Threads that work through the tasks of one call and end with it: nothing outlives a call, so
// calls from several threads, and forks, do not meet.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

namespace handgrad {

class Team {
  public:
    // As many workers as asked for, the caller among them; fewer where the system has no more.
    explicit Team(std::size_t workers) {
        try {
            for (std::size_t worker = 1; worker < workers; ++worker) {
                threads_.emplace_back([this, worker] { follow(worker); });
                move_on(threads_.back(), worker);
            }
        } catch (const std::system_error&) {
        }
    }
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;
    ~Team() {
        ends_ = true;
        announce();
        for (std::thread& thread : threads_) thread.join();
    }

    std::size_t workers() const { return threads_.size() + 1; }
    // How often a worker has waited so long that it went to sleep.
    std::size_t naps() const { return naps_.load(std::memory_order_relaxed); }

    // Calls task(index, worker) once for each index below count, in any order.
    template <class Task> void each(std::size_t count, const Task& task) {
        if (count < 2 || threads_.empty()) {
            for (std::size_t index = 0; index < count; ++index) task(index, std::size_t{0});
            return;
        }
        next_.store(0, std::memory_order_relaxed);
        together([&](std::size_t worker) {
            for (;;) {
                const std::size_t index = next_.fetch_add(1, std::memory_order_relaxed);
                if (index >= count) return;
                task(index, worker);
            }
        });
    }

    // Calls action(worker) in every worker at the same time, so that they can meet.
    template <class Action> void together(const Action& action) {
        context_ = &action;
        run_ = [](const void* context, std::size_t worker) {
            (*static_cast<const Action*>(context))(worker);
        };
        working_.store(threads_.size(), std::memory_order_relaxed);
        announce();
        action(0);
        wait_until([this] { return working_.load(std::memory_order_acquire) == 0; });
    }

    // Within together(): waits until every worker has come here.
    void meet() {
        const unsigned meeting = meetings_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads_.size()) {
            arrived_.store(0, std::memory_order_relaxed);
            meetings_.store(meeting + 1, std::memory_order_release);
            wake();
        } else {
            wait_until([&] { return meetings_.load(std::memory_order_acquire) != meeting; });
        }
    }

  private:
    static constexpr std::chrono::microseconds patience{500};

    // Linux may leave a new thread on its creator's processor for ten milliseconds while others
    // are idle: this moves it once, and leaves it free to go where it likes.
    static void move_on([[maybe_unused]] std::thread& thread, [[maybe_unused]] std::size_t places) {
#ifdef __linux__
        cpu_set_t allowed, place;
        const int here = sched_getcpu();
        if (here < 0 || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
        std::size_t there = static_cast<std::size_t>(here);
        for (places %= static_cast<std::size_t>(CPU_COUNT(&allowed)); places > 0;) {
            there = (there + 1) % CPU_SETSIZE;
            if (CPU_ISSET(there, &allowed)) --places;
        }
        CPU_ZERO(&place);
        CPU_SET(there, &place);
        pthread_setaffinity_np(thread.native_handle(), sizeof place, &place);
        pthread_setaffinity_np(thread.native_handle(), sizeof allowed, &allowed);
#endif
    }

    static void pause() {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }

    template <class Condition> static bool spin_until(const Condition& holds) {
        constexpr int spins = 64;
        const auto end = std::chrono::steady_clock::now() + patience;
        do {
            for (int i = 0; i < spins; ++i, pause())
                if (holds()) return true;
        } while (std::chrono::steady_clock::now() < end);
        return false;
    }

    // Most waits are short, so that spinning ends them soonest. The others sleep: where more
    // threads than processors want to run, who spins or yields takes or loses the time in which
    // the one that is waited for, or he himself, could go on.
    template <class Condition> void wait_until(const Condition& holds) {
        if (spin_until(holds)) return;
        naps_.fetch_add(1, std::memory_order_relaxed);
        std::unique_lock<std::mutex> lock(mutex_);
        sleepers_.fetch_add(1);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        wake_.wait(lock, holds);
        sleepers_.fetch_sub(1);
    }

    // Wakes those who sleep, after what they wait for has come to hold. Either the sleeper is
    // seen here, or it sees that it need not sleep: the fences stand between what each writes
    // and what it reads.
    void wake() {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (sleepers_.load() == 0) return;
        { const std::lock_guard<std::mutex> lock(mutex_); }
        wake_.notify_all();
    }

    void announce() {
        round_.fetch_add(1, std::memory_order_release);
        wake();
    }

    void follow(std::size_t worker) {
        for (unsigned seen = 0;; ++seen) {
            wait_until([&] { return round_.load(std::memory_order_acquire) != seen; });
            if (ends_) return;
            run_(context_, worker);
            if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake();
        }
    }

    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::atomic<unsigned> round_{0}, meetings_{0};
    std::atomic<std::size_t> sleepers_{0}, naps_{0}, next_{0}, working_{0}, arrived_{0};
    std::atomic<bool> ends_{false};
    const void* context_ = nullptr;
    void (*run_)(const void*, std::size_t) = nullptr;
};

}  // namespace handgrad
