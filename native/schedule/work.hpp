// Estimates of the work of a call, and how many threads it is worth.
//
// To start a thread takes 0.1 ms if a processor is idle, and milliseconds if the new thread has to
// wait for one. So small calls run in the caller's thread. The estimates follow from sizes alone,
// and bits do not depend on them.
#pragma once

#include <algorithm>

#include "variants/kernels.hpp"

namespace handgrad {

// Work is counted in multiply-adds of whole vectors, of about 0.3 ns each with AVX-512. A worker
// must have 0.6 ms of it in a call, which starts its thread, and 45 µs in a step, which ends with a
// barrier (see benchmarks/small_fits.py).
inline constexpr double work_in_a_call = 2e6, work_in_a_step = 1.5e5;

// How many of at most `threads` workers get that much work, if each must have `least`.
inline size_t workers_for(double work, size_t threads, double least = work_in_a_call) {
    const double worth = work / least;
    if (worth >= static_cast<double>(threads)) return std::max<size_t>(threads, 1);
    return std::max<size_t>(static_cast<size_t>(worth), 1);
}

// The work of F1 to F4 for that many rows; the passes back take as much again.
template <class T>
double work_of_passes(const Samples<T>& samples, const Layout& layout, double rows) {
    constexpr double a_row = 48;  // exponentials, logarithm and bookkeeping
    const Rows& given = *samples.rows;
    double nonzeros = static_cast<double>(given.features);
    if (given.sparse())
        nonzeros = static_cast<double>(given.starts[given.count]) /
                   static_cast<double>(std::max<size_t>(given.count, 1));
    else if (samples.skip_zeros)
        nonzeros /= 4;
    const double lanes = static_cast<double>(layout.first().W.lanes);
    return rows * (nonzeros * static_cast<double>(layout.first().W.stride()) / lanes +
                      static_cast<double>(layout.last().W.size()) / lanes + a_row);
}

// The work of looking at each number of some rows.
inline double work_of_reading(const Rows& rows) {
    if (rows.sparse()) return static_cast<double>(rows.starts[rows.count]);
    return static_cast<double>(rows.count) * static_cast<double>(rows.features);
}

}  // namespace handgrad
