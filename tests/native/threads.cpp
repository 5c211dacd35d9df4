// Runs everything in the core that uses threads, without Python, so that ThreadSanitizer sees all
// of it (.ci/sanitize). Any number of workers must give the same bits, which is checked, too: the
// program prints the first thing that is wrong and ends with status 1.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <numeric>
#include <stdexcept>

#include "steps.hpp"
#include "variants/variants.hpp"

namespace handgrad {
namespace {

using std::chrono::milliseconds;

void each_index_comes_once() {
    for (const size_t workers : {1, 2, 7}) {
        ThreadPool pool(workers);
        for (const size_t count : {0, 1, 2, 1000}) {
            std::vector<int> calls(count);
            for (int round = 0; round < 20; ++round)
                pool.for_each(count, [&](size_t index, size_t worker) {
                    expect(worker < pool.workers(), "a worker has no place in its pool");
                    ++calls[index];
                });
            for (const int found : calls) expect(found == 20, "an index did not come once a round");
        }
    }
}

// What workers write before a barrier, all read after it.
void barriers_order_memory(size_t workers, size_t rounds, size_t barriers) {
    ThreadPool pool(workers);
    std::vector<size_t> values(pool.workers());
    for (size_t round = 0; round < rounds; ++round)
        pool.run([&](size_t worker) {
            for (size_t i = 0; i < barriers; ++i) {
                values[worker] = i + worker;
                pool.barrier();
                const size_t n = pool.workers();
                const size_t sum = std::accumulate(values.begin(), values.end(), size_t{0});
                expect(sum == n * i + n * (n - 1) / 2, "a barrier let a worker through too early");
                pool.barrier();
            }
        });
}

// A worker that waits long goes to sleep, at barriers and between rounds, and wakes.
void sleepers_wake(size_t workers) {
    ThreadPool pool(workers);
    size_t rounds = 0;
    for (size_t late = 0; pool.sleeps() < 50; ++late) {
        expect(++rounds < 1000, "no worker goes to sleep");
        pool.run([&](size_t worker) {
            for (int i = 0; i < 3; ++i) {
                if (worker == (late + i) % pool.workers())
                    std::this_thread::sleep_for(milliseconds(1));
                pool.barrier();
            }
        });
        if (late % 4 == 0) std::this_thread::sleep_for(milliseconds(1));
    }
}

void pools_end_at_once() {
    for (int i = 0; i < 200; ++i) ThreadPool(1 + i % 5);
}

void what_a_worker_throws_reaches_the_caller() {
    ThreadPool pool(3);
    for (size_t thrower = 0; thrower < 3; ++thrower)
        for (int barriers = 0; barriers < 3; ++barriers) {
            std::string caught;
            try {
                pool.run([&](size_t worker) {
                    for (int i = 0; i < 3; ++i) {
                        if (worker == thrower && i == barriers) throw std::runtime_error("thrown");
                        pool.barrier();
                    }
                });
            } catch (const std::runtime_error& error) {
                caught = error.what();
            }
            expect(caught == "thrown", "what a worker throws does not reach the caller");
        }
    bool caught = false;
    try {
        pool.for_each(100, [](size_t, size_t) { throw std::bad_alloc(); });
    } catch (const std::bad_alloc&) {
        caught = true;
    }
    expect(caught, "what all workers throw does not reach the caller");
    int calls = 0;
    pool.run([&](size_t worker) {
        pool.barrier();
        if (worker == 0) ++calls;
        pool.barrier();
    });
    expect(calls == 1, "a pool is of no use after an error");
}

// A pool that gets no threads works with the caller alone.
void threads_that_cannot_be_made_are_not_missed() {
#ifdef __GLIBC__
    pthread_attr_t usual, huge;
    pthread_getattr_default_np(&usual);
    pthread_getattr_default_np(&huge);
    pthread_attr_setstacksize(&huge, size_t{1} << 46);  // no machine has so much memory
    pthread_setattr_default_np(&huge);
    ThreadPool pool(4);
    pthread_setattr_default_np(&usual);
    expect(pool.workers() == 1, "a thread has a stack of 64 TiB");
    size_t sum = 0;
    pool.for_each(10, [&](size_t index, size_t) { sum += index; });
    expect(sum == 45, "a pool of one does not do its work");
#endif
}

// In a forked process there are no other threads, awake or asleep; nothing may wait for them.
void a_fork_leaves_the_caller_alone() {
    ThreadPool pool(3);
    std::atomic<int> calls{0};
    const auto work = [&] {
        pool.for_each(10, [&](size_t, size_t) { ++calls; });
        pool.run([&](size_t) { pool.barrier(); });
    };
    work();
    std::this_thread::sleep_for(milliseconds(5));  // for the others to fall asleep
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        pool.check_fork();
        work();
        pool.~ThreadPool();
        _exit(calls == 20 ? 0 : 1);
    }
    work();
    int status = 0;
    expect(waitpid(child, &status, 0) == child && status == 0, "a forked pool does not work alone");
    expect(calls == 20, "a pool does not work after a fork");
}

// More workers than processors, that wait for each other long enough to be tried alone.
template <class T> void crowded_epochs(const Kernels<T>& kernels) {
    Task<T> pixels(192, {784, 10, 4});
    pixels.fill_with_zeros();
    const Rule<T> rule{Rule<T>::momentum, T(0.01), T(0.9), 0, 0, 0};
    const Epoch<T> by_64{rule, 0.1, 64, 0, nullptr, 0, nullptr, nullptr};
    const size_t crowd = 3 * std::thread::hardware_concurrency() + 1;
    const Result alone = epochs(kernels, pixels, Way::shards, by_64, 1, 300);
    expect(epochs(kernels, pixels, Way::shards, by_64, crowd, 300) == alone,
        "a crowd of workers changes the bits");
}

// Calls from several threads, each with its own pool.
template <class T> void pools_side_by_side(const Kernels<T>& kernels) {
    Task<T> pixels(192, {784, 10, 4});
    pixels.fill_with_zeros();
    const Rule<T> rule{Rule<T>::adam, T(0.01), T(0.9), T(0.999), T(1e-8), 0};
    const Epoch<T> by_64{rule, 0.1, 64, 0, nullptr, 0, nullptr, nullptr};
    const auto run = [&](size_t n) { return epochs(kernels, pixels, Way::shards, by_64, n); };
    const Result alone = run(1);
    std::vector<Result> results(4);
    std::vector<std::thread> callers;
    callers.reserve(results.size());
    for (Result& result : results) callers.emplace_back([&] { result = run(3); });
    for (std::thread& caller : callers) caller.join();
    for (const Result& result : results)
        expect(result == alone, "pools side by side change each other's bits");
}

void run_all() {
    each_index_comes_once();
    for (const size_t workers : {2, 3, 7}) barriers_order_memory(workers, 3, 1000 / workers);
    sleepers_wake(2);
    sleepers_wake(5);
    pools_end_at_once();
    what_a_worker_throws_reaches_the_caller();
    threads_that_cannot_be_made_are_not_missed();
    a_fork_leaves_the_caller_alone();
    for (const Variant& variant : variants) {
        if (!variant.supported()) continue;
        compare_all(kernels_of<float>(variant), std::string(variant.name) + " float");
        compare_all(kernels_of<double>(variant), std::string(variant.name) + " double");
        compare_networks(kernels_of<float>(variant), std::string(variant.name) + " float");
        compare_networks(kernels_of<double>(variant), std::string(variant.name) + " double");
        compare_wide(kernels_of<float>(variant), std::string(variant.name) + " float");
        compare_wide(kernels_of<double>(variant), std::string(variant.name) + " double");
    }
    crowded_epochs(kernels_of<float>(variants[0]));
    pools_side_by_side(kernels_of<float>(variants[0]));
}

}  // namespace
}  // namespace handgrad

int main() {  // NOLINT(bugprone-exception-escape): it ends the program
    handgrad::run_all();
    std::puts("threads: the same bits for any number of workers");
}
