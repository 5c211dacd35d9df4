// Threads that run the tasks of one call and end with it: no thread outlives a call, so calls from
// several threads, and forks, never find one left over.
#pragma once

#include "types.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>
#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

namespace handgrad {

class ThreadPool {
  public:
    // The caller counts as a worker. There are fewer if the system cannot start that many threads.
    explicit ThreadPool(size_t workers) {
        if (workers < 2) return;
        threads_.reserve(workers - 1);  // a thread without a place could not be joined
        try {
            for (size_t worker = 1; worker < workers; ++worker) {
                threads_.emplace_back([this, worker] { work_loop(worker); });
                place(threads_.back(), worker);
            }
        } catch (const std::exception&) {  // neither a thread nor memory for one
        }
    }
    ~ThreadPool() {
        check_fork();
        if (threads_.empty()) return;
        ends_ = true;
        start_round();
        for (std::thread& thread : threads_) thread.join();
    }

    // To be called after a callback, which may have forked: threads do not survive a fork, so that
    // in the child the caller is the only worker, and nothing waits for the others.
    void check_fork() {
        if (threads_.empty() || process_ == getpid()) return;
        // What belongs to threads that do not exist can be neither joined nor destroyed.
        new std::vector<std::thread>(std::move(threads_));
        (void)parking_.release();  // NOLINT(bugprone-unused-return-value)
        threads_.clear();
        parking_ = std::make_unique<Parking>();
        sleepers_ = 0;
    }

    size_t workers() const { return threads_.size() + 1; }
    // How often a worker has waited so long that it went to sleep.
    size_t sleeps() const { return sleeps_.load(std::memory_order_relaxed); }

    // Calls task(index, worker) once for each index below count, in any order.
    template <class Task> void for_each(size_t count, const Task& task) {
        if (count < 2 || threads_.empty()) {
            for (size_t index = 0; index < count; ++index) task(index, size_t{0});
            return;
        }
        next_.store(0, std::memory_order_relaxed);
        run([&](size_t worker) {
            for (;;) {
                const size_t index = next_.fetch_add(1, std::memory_order_relaxed);
                if (index >= count) return;
                task(index, worker);
            }
        });
    }

    // Calls action(worker) in every worker at the same time, so that they can wait at barriers. An
    // exception in one of them ends the others at their next barrier, and is thrown here.
    template <class Action> void run(const Action& action) {
        if (threads_.empty()) return action(size_t{0});
        run_ = [&action](size_t worker) { action(worker); };
        working_.store(threads_.size(), std::memory_order_relaxed);
        start_round();
        run_part(0);
        wait_until([this] { return working_.load() == 0; });
        if (!failed_.exchange(false, std::memory_order_relaxed)) return;
        arrived_.store(0, std::memory_order_relaxed);
        std::rethrow_exception(std::exchange(failure_, nullptr));
    }

    // Within run(): waits until every worker has come here.
    void barrier() {
        if (threads_.empty()) return;
        const unsigned passed = barriers_.load();
        if (failed_.load(std::memory_order_relaxed)) throw Abandoned{};
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads_.size()) {
            arrived_.store(0, std::memory_order_relaxed);
            barriers_.store(passed + 1);
            wake();
        } else {
            wait_until([&] { return barriers_.load() != passed; });
            if (failed_.load(std::memory_order_relaxed)) throw Abandoned{};
        }
    }

  private:
    // Longer than nearly all waits where every worker has a processor of its own. 500 is no faster
    // there, and takes up to twice as long where it has not (benchmarks/crowded.py).
    static constexpr std::chrono::microseconds patience{50};

    struct Abandoned {};  // thrown at a barrier that not all can reach
    struct Parking {      // where sleeping workers are woken
        std::mutex mutex;
        std::condition_variable wake;
    };

    // Linux may leave a new thread on its creator's processor for ten milliseconds while others
    // are idle: this moves it once, and leaves it free to go where it likes.
    static void place([[maybe_unused]] std::thread& thread, [[maybe_unused]] size_t places) {
#ifdef __linux__
        cpu_set_t allowed, place;
        const int here = sched_getcpu();
        if (here < 0 || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
        size_t there = static_cast<size_t>(here);
        for (places %= static_cast<size_t>(CPU_COUNT(&allowed)); places > 0;) {
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

    // Most waits are short, so that spinning ends them soonest. After that a worker sleeps: if
    // there are more threads than processors, one that spins takes the time that the awaited
    // thread needs, and one that yields may get none back when it could continue.
    template <class Condition> void wait_until(const Condition& holds) {
        constexpr int spins = 64;
        const auto end = std::chrono::steady_clock::now() + patience;
        do {
            for (int i = 0; i < spins; ++i, pause())
                if (holds()) return;
        } while (std::chrono::steady_clock::now() < end);
        sleeps_.fetch_add(1, std::memory_order_relaxed);
        std::unique_lock<std::mutex> lock(parking_->mutex);
        sleepers_.fetch_add(1);
        parking_->wake.wait(lock, holds);
        sleepers_.fetch_sub(1);
    }

    // Wakes the sleeping workers, after what they wait for has become true.
    //
    // None is missed. A sleeper adds itself to `sleepers_`, then reads what it waits for (`round_`,
    // `barriers_`, `working_`); a waker writes that, then reads sleepers_. All are sequentially
    // consistent. If the waker reads 0, the sleeper's addition comes later, and its reading later
    // still: it sees what the waker wrote, and does not sleep. Otherwise the waker takes the mutex.
    // A sleeper holds it from before its addition until it sleeps, so the waker gets it either
    // before the sleeper has looked, or when it sleeps and can be notified.
    void wake() {
        if (sleepers_.load() == 0) return;
        {
            const std::scoped_lock lock(parking_->mutex);
        }
        parking_->wake.notify_all();
    }

    void start_round() {
        round_.fetch_add(1);
        wake();
    }

    void work_loop(size_t worker) {
        for (unsigned seen = 0;; ++seen) {
            wait_until([&] { return round_.load() != seen; });
            if (ends_) return;
            run_part(worker);
            if (working_.fetch_sub(1) == 1) wake();
        }
    }

    // One worker's part of run().
    void run_part(size_t worker) noexcept {
        try {
            run_(worker);
        } catch (const Abandoned&) {
        } catch (...) {
            {
                const std::scoped_lock lock(parking_->mutex);
                if (!failure_) failure_ = std::current_exception();
            }
            failed_.store(true, std::memory_order_relaxed);
            barriers_.fetch_add(1);  // after failed_: a worker that sees the barrier end sees why
            wake();
        }
    }

    const pid_t process_ = getpid();
    std::vector<std::thread> threads_;
    std::unique_ptr<Parking> parking_ = std::make_unique<Parking>();
    std::atomic<unsigned> round_{0}, barriers_{0};
    std::atomic<size_t> sleepers_{0}, sleeps_{0}, next_{0}, working_{0}, arrived_{0};
    std::atomic<bool> ends_{false}, failed_{false};
    std::exception_ptr failure_;
    std::function<void(size_t)> run_;
};

}  // namespace handgrad
