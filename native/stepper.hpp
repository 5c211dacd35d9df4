// What trains in batches: a step of a rule with the samples from one to another.
#pragma once

#include "parameters.hpp"
#include "rows.hpp"
#include "team.hpp"

namespace handgrad {

template <class T> class Stepper {
  public:
    explicit Stepper(const Samples<T>& samples) : samples_(samples) {}
    virtual ~Stepper() = default;
    Stepper(const Stepper&) = delete;
    Stepper& operator=(const Stepper&) = delete;

    Samples<T>& samples() { return samples_; }
    virtual std::size_t workers() const = 0;
    // Returns C1 before the step, and the hits.
    virtual Totals step(Team&, std::size_t begin, std::size_t end, const Rule<T>&) = 0;
    // Brings all parameters up to date.
    virtual void settle(Team&) {}
    virtual void write(const Arrays<T>& to) const = 0;

  protected:
    Samples<T> samples_;
};

}  // namespace handgrad
