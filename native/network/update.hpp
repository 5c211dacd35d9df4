// The update rules, over flat arrays: one reading of the slices' gradients, one of the moments,
// one write, whatever the rule.
#pragma once

#include "variants/kernels.hpp"
#include "variants/vector.hpp"

namespace handgrad::HANDGRAD_VARIANT {

// U1, or sgd with momentum, or adam (Kingma & Ba, 2015, arXiv:1412.6980, end of section 2), at one
// place. Returns the parameters after the step.
template <int kind, class T>
inline Vector<T> take_step(const Rule<T>& rule, const Update<T>& at, size_t i, Vector<T> gradient) {
    Vector<T> value = load(at.parameters + i);
    if (rule.decay != 0) gradient += rule.decay * value;  // else b2's −∞ would give NaN
    if constexpr (kind == Rule<T>::sgd) {
        value -= rule.rate * gradient;
    } else if constexpr (kind == Rule<T>::adam) {
        const Vector<T> first =
            rule.momentum_kept * load(at.first + i) + (1 - rule.momentum_kept) * gradient;
        const Vector<T> second =
            rule.square_kept * load(at.second + i) + (1 - rule.square_kept) * (gradient * gradient);
        value -= rule.rate * first / (square_root<T>(second) + rule.epsilon);
        store(at.first + i, first);
        store(at.second + i, second);
    } else {
        const Vector<T> first = rule.momentum_kept * load(at.first + i) - rule.rate * gradient;
        if constexpr (kind == Rule<T>::nesterov)
            value += rule.momentum_kept * first - rule.rate * gradient;
        else
            value += first;
        store(at.first + i, first);
    }
    store(at.parameters + i, value);
    return value;
}

template <int kind = 0, class T, class Action>
inline void with_kind(const Rule<T>& rule, Action action) {
    if (rule.kind == kind) return action(std::integral_constant<int, kind>{});
    if constexpr (kind < Rule<T>::adam) with_kind<kind + 1>(rule, action);
}

// The gradients of all slices, at one place.
template <class T> inline Vector<T> sum_of_slices(const Update<T>& u, size_t i) {
    Vector<T> gradient = load(u.gradients + i);
    for (size_t s = 1; s < u.slices; ++s) gradient += load(u.gradients + s * u.gradient_stride + i);
    return gradient;
}

// Rule and arrays are copies, so that they stay in registers: what is stored cannot change them.
template <class T> void update(Rule<T> rule, Update<T> u, size_t begin, size_t end) {
    with_kind(rule, [&](auto kind) {
        for (size_t i = begin; i < end; i += lanes<T>)
            take_step<kind>(rule, u, i, sum_of_slices(u, i));
    });
}

// The sum of squares of vectors: parts of 64 are added up in T, and the parts in double.
template <class T> struct SumOfSquares {
    Vector<T> of_part{};
    size_t vectors = 0;
    double sum = 0;

    void add(Vector<T> values) {
        of_part += values * values;
        if (++vectors % 64 == 0) total();
    }
    double total() {
        for (size_t lane = 0; lane < lanes<T>; ++lane) sum += static_cast<double>(of_part[lane]);
        of_part = Vector<T>{};
        return sum;
    }
};

template <class T> double sum_of_squares(const T* values, size_t count) {
    SumOfSquares<T> squares;
    for (size_t i = 0; i < count; i += lanes<T>) squares.add(load(values + i));
    return squares.total();
}

template <class T>
double update_rows(Rule<T> rule, Update<T> u, const int32_t* slots, size_t rows, size_t width) {
    SumOfSquares<T> squares;
    with_kind(rule, [&](auto kind) {
        for (size_t r = 0, i = 0; r < rows; ++r)
            for (size_t j = 0; j < width; j += lanes<T>, i += lanes<T>) {
                Vector<T> gradient{};
                if (slots[r] >= 0)
                    gradient = sum_of_slices(u, static_cast<size_t>(slots[r]) * width + j);
                squares.add(take_step<kind>(rule, u, i, gradient));
            }
    });
    return squares.total();
}

// All in one reading of the numbers, because they come from a farther cache.
template <class T> double update_weights(Rule<T> rule, Update<T> u, T* gradient, size_t count) {
    constexpr size_t part = 64 * lanes<T>;
    double squares = 0;
    with_kind(rule, [&](auto kind) {
        for (size_t begin = 0; begin < count; begin += part) {
            Vector<T> of_part{};
            for (size_t i = begin; i < count && i < begin + part; i += lanes<T>) {
                const Vector<T> value = take_step<kind>(rule, u, i, load(gradient + i));
                store(gradient + i, Vector<T>{});
                of_part += value * value;
            }
            squares += static_cast<double>(sum_of_lanes<T>(of_part)[0]);
        }
    });
    return squares;
}

}  // namespace handgrad::HANDGRAD_VARIANT
