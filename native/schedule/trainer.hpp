// What trains in batches.
#pragma once

#include <vector>

#include "network/storage.hpp"
#include "rows/rows.hpp"
#include "threads/thread_pool.hpp"

namespace handgrad {

// A step with the samples from begin to end, each with the same share unless they have their own.
template <class T> struct Batch {
    size_t begin, end;
    T share;
    Rule<T> rule;
};

template <class T> class Trainer {
  public:
    explicit Trainer(const Samples<T>& samples) : samples_(samples) {}
    virtual ~Trainer() = default;
    Trainer(const Trainer&) = delete;
    Trainer& operator=(const Trainer&) = delete;

    Samples<T>& samples() { return samples_; }
    // How many workers have scratch memory: no thread pool may be larger.
    virtual size_t most_workers() const = 0;
    // How many workers a call gets whose steps read that many rows in total.
    virtual size_t workers(double rows) const = 0;
    // Takes the steps one after another; writes C1 before each, and the hits.
    virtual void run(ThreadPool&, const std::vector<Batch<T>>&, Metrics*) = 0;
    // Moments are zeros at first.
    virtual void write(Part, const NetworkArrays<T>& to) = 0;
    virtual void read(Part, const NetworkArrays<const T>& from) = 0;

  protected:
    Samples<T> samples_;
};

}  // namespace handgrad
