// What trains in batches.
#pragma once

#include <vector>

#include "network/storage.hpp"
#include "rows/rows.hpp"
#include "threads/thread_pool.hpp"

namespace handgrad {

// A step with the samples from begin to end, each with the same share unless they have their own.
template <class T> struct Batch {
    std::size_t begin, end;
    T share;
    Rule<T> rule;
};

// The moments of a rule, as flat arrays; empty until a rule needs them.
template <class T> struct Moments {
    Buffer<T> first, second;

    void prepare(std::size_t size) {
        if (first.size() > 0) return;
        second = Buffer<T>::zeros(size);
        first = Buffer<T>::zeros(size);  // last: memory may end before
    }
};

template <class T> class Trainer {
  public:
    explicit Trainer(const Samples<T>& samples) : samples_(samples) {}
    virtual ~Trainer() = default;
    Trainer(const Trainer&) = delete;
    Trainer& operator=(const Trainer&) = delete;

    Samples<T>& samples() { return samples_; }
    // How many workers have scratch memory: no thread pool may be larger.
    virtual std::size_t most_workers() const = 0;
    // How many workers a call gets whose steps read that many rows in total.
    virtual std::size_t workers(double rows) const = 0;
    // Takes the steps one after another; writes C1 before each, and the hits.
    virtual void run(ThreadPool&, const std::vector<Batch<T>>&, Metrics*) = 0;
    // Brings all parameters up to date.
    virtual void flush(ThreadPool&) {}
    virtual void write(const NetworkArrays<T>& to) const = 0;
    // The moments of the rule, zeros at first.
    virtual void write_moments(const NetworkArrays<T>& first, const NetworkArrays<T>& second) = 0;
    virtual void read_moments(
        const NetworkArrays<const T>& first, const NetworkArrays<const T>& second) = 0;

  protected:
    Samples<T> samples_;
};

}  // namespace handgrad
