// Runs everything in the core that uses threads, without Python, so that ThreadSanitizer sees all
// of it (.ci/sanitize). Any number of workers must give the same bits, which is checked, too: the
// program prints the first thing that is wrong and ends with status 1.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <numeric>
#include <stdexcept>

#include "steps.hpp"
#include "variants.hpp"
#include "work.hpp"

namespace handgrad {
namespace {

using std::chrono::milliseconds;

void each_index_comes_once() {
    for (const std::size_t workers : {1, 2, 7}) {
        Team team(workers);
        for (const std::size_t count : {0, 1, 2, 1000}) {
            std::vector<int> calls(count);
            for (int round = 0; round < 20; ++round)
                team.each(count, [&](std::size_t index, std::size_t worker) {
                    expect(worker < team.workers(), "a worker has no place in its team");
                    ++calls[index];
                });
            for (const int found : calls) expect(found == 20, "an index did not come once a round");
        }
    }
}

// What workers write before a meeting, all read after it.
void meetings_order_memory(std::size_t workers, std::size_t rounds, std::size_t meetings) {
    Team team(workers);
    std::vector<std::size_t> values(team.workers());
    for (std::size_t round = 0; round < rounds; ++round)
        team.together([&](std::size_t worker) {
            for (std::size_t i = 0; i < meetings; ++i) {
                values[worker] = i + worker;
                team.meet();
                const std::size_t n = team.workers();
                const std::size_t sum = std::accumulate(values.begin(), values.end(), std::size_t{0});
                expect(sum == n * i + n * (n - 1) / 2, "a meeting let a worker through too early");
                team.meet();
            }
        });
}

// Whoever waits for somebody that is late falls asleep, at meetings and between them, and wakes.
void sleepers_wake(std::size_t workers) {
    Team team(workers);
    std::size_t rounds = 0;
    for (std::size_t late = 0; team.naps() < 50; ++late) {
        expect(++rounds < 1000, "nobody falls asleep");
        team.together([&](std::size_t worker) {
            for (int i = 0; i < 3; ++i) {
                if (worker == (late + i) % team.workers()) std::this_thread::sleep_for(milliseconds(1));
                team.meet();
            }
        });
        if (late % 4 == 0) std::this_thread::sleep_for(milliseconds(1));
    }
}

void teams_end_at_once() {
    for (int i = 0; i < 200; ++i) Team(1 + i % 5);
}

void what_a_worker_throws_reaches_the_caller() {
    Team team(3);
    for (std::size_t thrower = 0; thrower < 3; ++thrower)
        for (int meetings = 0; meetings < 3; ++meetings) {
            std::string caught;
            try {
                team.together([&](std::size_t worker) {
                    for (int i = 0; i < 3; ++i) {
                        if (worker == thrower && i == meetings) throw std::runtime_error("thrown");
                        team.meet();
                    }
                });
            } catch (const std::runtime_error& error) {
                caught = error.what();
            }
            expect(caught == "thrown", "what a worker throws does not reach the caller");
        }
    bool caught = false;
    try {
        team.each(100, [](std::size_t, std::size_t) { throw std::bad_alloc(); });
    } catch (const std::bad_alloc&) {
        caught = true;
    }
    expect(caught, "what all workers throw does not reach the caller");
    int calls = 0;
    team.together([&](std::size_t worker) {
        team.meet();
        if (worker == 0) ++calls;
        team.meet();
    });
    expect(calls == 1, "a team is of no use after an error");
}

// A team that gets no threads works with the caller alone.
void threads_that_cannot_be_made_are_not_missed() {
#ifdef __GLIBC__
    pthread_attr_t usual, huge;
    pthread_getattr_default_np(&usual);
    pthread_getattr_default_np(&huge);
    pthread_attr_setstacksize(&huge, std::size_t{1} << 46);  // no machine has so much memory
    pthread_setattr_default_np(&huge);
    Team team(4);
    pthread_setattr_default_np(&usual);
    expect(team.workers() == 1, "a thread has a stack of 64 TiB");
    std::size_t sum = 0;
    team.each(10, [&](std::size_t index, std::size_t) { sum += index; });
    expect(sum == 45, "a team of one does not do its work");
#endif
}

// In a forked process there are no other threads, awake or asleep; nothing may wait for them.
void a_fork_leaves_the_caller_alone() {
    Team team(3);
    std::atomic<int> calls{0};
    const auto work = [&] {
        team.each(10, [&](std::size_t, std::size_t) { ++calls; });
        team.together([&](std::size_t) { team.meet(); });
    };
    work();
    std::this_thread::sleep_for(milliseconds(5));  // for the others to fall asleep
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        team.after_foreign_code();
        work();
        team.~Team();
        _exit(calls == 20 ? 0 : 1);
    }
    work();
    int status = 0;
    expect(waitpid(child, &status, 0) == child && status == 0, "a forked team does not work alone");
    expect(calls == 20, "a team does not work after a fork");
}

void small_work_gets_few_workers() {
    expect(workers_for(0, 8) == 1 && workers_for(1e3, 8) == 1, "small work gets threads");
    expect(workers_for(1e12, 8) == 8 && workers_for(1e12, 0) == 1, "large work gets no threads");
    for (double work = 1; work < 1e12; work *= 1.5)
        expect(workers_for(work, 64) <= workers_for(1.5 * work, 64), "more work gets less");
}

// A stretch of 100 rows that takes so many seconds, 10,000 times a second's worth of naps.
void one_goes_on_alone_where_others_are_slow() {
    Crew crew;
    const auto stretches = [&](double together, double alone, std::size_t naps) {
        for (int i = 0; i < 1000; ++i)
            crew.took(100, Crew::Time(crew.together() ? together : alone), naps);
    };
    stretches(0.01, 0.001, 0);
    expect(crew.together(), "without naps one went on alone");
    std::size_t alone = 0;
    for (int i = 0; i < 1000; ++i) {
        crew.took(100, Crew::Time(crew.together() ? 0.01 : 0.001), 1);
        alone += !crew.together();
    }
    expect(alone > 500, "slow workers were not left");
    std::size_t together = 0;
    for (int i = 0; i < 5000; ++i) {
        crew.took(100, Crew::Time(crew.together() ? 0.001 : 0.01), 0);
        together += crew.together();
    }
    expect(together > 2500, "workers that became fast were not called back");
}

// More workers than processors, that wait for each other long enough to be tried alone.
template <class T> void crowded_epochs(const Kernels<T>& kernels) {
    Task<T> pixels(192, 784, 10);
    pixels.fill_with_zeros();
    const Rule<T> rule{Rule<T>::momentum, T(0.01), T(0.9), 0, 0, 0};
    const Epoch<T> by_64{rule, 0.1, 64, 0, nullptr, 0, nullptr, nullptr};
    const std::size_t crowd = 3 * std::thread::hardware_concurrency() + 1;
    const Result alone = epochs(kernels, pixels, Way::shards, by_64, 1, 300);
    expect(epochs(kernels, pixels, Way::shards, by_64, crowd, 300) == alone,
           "a crowd of workers changes the bits");
}

// Calls from several threads, each with its team.
template <class T> void teams_side_by_side(const Kernels<T>& kernels) {
    Task<T> pixels(192, 784, 10);
    pixels.fill_with_zeros();
    const Rule<T> rule{Rule<T>::adam, T(0.01), T(0.9), T(0.999), T(1e-8), 0};
    const Epoch<T> by_64{rule, 0.1, 64, 0, nullptr, 0, nullptr, nullptr};
    const auto run = [&](std::size_t n) { return epochs(kernels, pixels, Way::shards, by_64, n); };
    const Result alone = run(1);
    std::vector<Result> results(4);
    std::vector<std::thread> callers;
    for (Result& result : results) callers.emplace_back([&] { result = run(3); });
    for (std::thread& caller : callers) caller.join();
    for (const Result& result : results)
        expect(result == alone, "teams side by side change each other's bits");
}

template <class T> const Kernels<T>& kernels_of(const Variant& variant) {
    if constexpr (sizeof(T) == 4)
        return *variant.single;
    else
        return *variant.twofold;
}

void run_all() {
    each_index_comes_once();
    for (const std::size_t workers : {2, 3, 7}) meetings_order_memory(workers, 3, 1000 / workers);
    sleepers_wake(2);
    sleepers_wake(5);
    teams_end_at_once();
    what_a_worker_throws_reaches_the_caller();
    threads_that_cannot_be_made_are_not_missed();
    a_fork_leaves_the_caller_alone();
    small_work_gets_few_workers();
    one_goes_on_alone_where_others_are_slow();
    for (const Variant& variant : variants) {
        if (!variant.supported()) continue;
        compare_all(kernels_of<float>(variant), std::string(variant.name) + " float");
        compare_all(kernels_of<double>(variant), std::string(variant.name) + " double");
    }
    crowded_epochs(*variants[0].single);
    teams_side_by_side(*variants[0].single);
}

}  // namespace
}  // namespace handgrad

int main() {
    handgrad::run_all();
    std::puts("threads: the same bits for any number of workers");
}
