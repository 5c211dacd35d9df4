// What trains in batches.
#pragma once

#include <vector>

#include "parameters.hpp"
#include "rows.hpp"
#include "team.hpp"

namespace handgrad {

// A step with the samples from begin to end, each with the same share unless they have their own.
template <class T> struct Batch {
    std::size_t begin, end;
    T share;
    Rule<T> rule;
};

template <class T> class Stepper {
  public:
    explicit Stepper(const Samples<T>& samples) : samples_(samples) {}
    virtual ~Stepper() = default;
    Stepper(const Stepper&) = delete;
    Stepper& operator=(const Stepper&) = delete;

    Samples<T>& samples() { return samples_; }
    // How many workers there is scratch for: no team may be larger.
    virtual std::size_t most_workers() const = 0;
    // How many workers a call gets that takes steps over so many rows in all.
    virtual std::size_t workers(double rows) const = 0;
    // Takes the steps one after another; writes C1 before each, and the hits.
    virtual void run(Team&, const std::vector<Batch<T>>&, Totals*) = 0;
    virtual void write(const Arrays<T>& to) const = 0;
    // The moments of the rule, zeros at first.
    virtual void write_moments(const Arrays<T>& first, const Arrays<T>& second) = 0;
    virtual void read_moments(const Arrays<const T>& first, const Arrays<const T>& second) = 0;

  protected:
    Samples<T> samples_;
};

}  // namespace handgrad
