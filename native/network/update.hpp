// The update rules, over flat arrays: one reading of the slices' gradients, one of the moments,
// one write, whatever the rule.
#pragma once

#include "variants/kernels.hpp"
#include "variants/vector.hpp"

namespace handgrad::HANDGRAD_VARIANT {

template <class T, class V> struct Numbers {
    V value, first, second;
};

// U1, or sgd with momentum, or adam (Kingma & Ba, 2015, arXiv:1412.6980, end of section 2).
template <int kind, class T, class V>
inline void take_step(const Rule<T>& rule, V gradient, Numbers<T, V>& n) {
    if constexpr (kind == Rule<T>::sgd) {
        n.value -= rule.rate * gradient;
    } else if constexpr (kind == Rule<T>::adam) {
        n.first = rule.momentum_kept * n.first + (1 - rule.momentum_kept) * gradient;
        n.second = rule.square_kept * n.second + (1 - rule.square_kept) * (gradient * gradient);
        n.value -= rule.rate * n.first / (square_root<T>(n.second) + rule.epsilon);
    } else {
        n.first = rule.momentum_kept * n.first - rule.rate * gradient;
        if constexpr (kind == Rule<T>::nesterov)
            n.value += rule.momentum_kept * n.first - rule.rate * gradient;
        else
            n.value += n.first;
    }
}

template <int kind, class T>
inline Numbers<T, Vector<T>> load_numbers(const Update<T>& from, size_t i) {
    Numbers<T, Vector<T>> n{load(from.parameters + i), {}, {}};
    if constexpr (kind != Rule<T>::sgd) n.first = load(from.first + i);
    if constexpr (kind == Rule<T>::adam) n.second = load(from.second + i);
    return n;
}

template <int kind, class T>
inline void store_numbers(const Numbers<T, Vector<T>>& n, const Update<T>& to, size_t i) {
    store(to.parameters + i, n.value);
    if constexpr (kind != Rule<T>::sgd) store(to.first + i, n.first);
    if constexpr (kind == Rule<T>::adam) store(to.second + i, n.second);
}

template <class T, class Action> inline void with_kind(const Rule<T>& rule, Action action) {
    switch (rule.kind) {
        case Rule<T>::sgd: return action(std::integral_constant<int, Rule<T>::sgd>{});
        case Rule<T>::momentum: return action(std::integral_constant<int, Rule<T>::momentum>{});
        case Rule<T>::nesterov: return action(std::integral_constant<int, Rule<T>::nesterov>{});
        default: return action(std::integral_constant<int, Rule<T>::adam>{});
    }
}

// The gradients of all slices, at one place.
template <class T> inline Vector<T> sum_of_slices(const Update<T>& u, size_t i) {
    Vector<T> gradient = load(u.gradients + i);
    for (size_t s = 1; s < u.slices; ++s) gradient += load(u.gradients + s * u.gradient_stride + i);
    return gradient;
}

// Copies of rule and arrays stay in registers: what is stored cannot change them.
template <class T>
void update(const Rule<T>& of_step, const Update<T>& arrays, size_t begin, size_t end) {
    const Rule<T> rule = of_step;
    const Update<T> u = arrays;
    with_kind(rule, [&](auto kind) {
        for (size_t i = begin; i < end; i += lanes<T>) {
            Vector<T> gradient = sum_of_slices(u, i);
            auto n = load_numbers<kind>(u, i);
            if (rule.decay != 0) gradient += rule.decay * n.value;  // else b2's −∞ would give NaN
            take_step<kind>(rule, gradient, n);
            store_numbers<kind>(n, u, i);
        }
    });
}

// The sum of squares of vectors: parts are added up in T, and the parts in double.
template <class T> class SumOfSquares {
  public:
    void add(Vector<T> values) {
        of_part_ += values * values;
        if (++vectors_ % part == 0) end_part();
    }
    double total() {
        end_part();
        return sum_;
    }

  private:
    static constexpr size_t part = 64;

    void end_part() {
        for (size_t lane = 0; lane < lanes<T>; ++lane) sum_ += static_cast<double>(of_part_[lane]);
        of_part_ = Vector<T>{};
    }

    Vector<T> of_part_{};
    size_t vectors_ = 0;
    double sum_ = 0;
};

// Of whole vectors.
template <class T> double sum_of_squares(const T* values, size_t count) {
    SumOfSquares<T> squares;
    for (size_t i = 0; i < count; i += lanes<T>) squares.add(load(values + i));
    return squares.total();
}

// A step with rows of weights. Row r has a gradient, slots[r] rows behind the first, unless its slot
// is negative. Returns the sum of squares after the step.
template <class T> double update_rows(const Rule<T>& of_step, const Update<T>& arrays,
    const int32_t* slots, size_t rows, size_t width) {
    const Rule<T> rule = of_step;
    const Update<T> u = arrays;
    SumOfSquares<T> squares;
    with_kind(rule, [&](auto kind) {
        for (size_t r = 0, i = 0; r < rows; ++r)
            for (size_t j = 0; j < width; j += lanes<T>, i += lanes<T>) {
                Vector<T> gradient{};
                if (slots[r] >= 0)
                    gradient = sum_of_slices(u, static_cast<size_t>(slots[r]) * width + j);
                auto n = load_numbers<kind>(u, i);
                gradient += rule.decay * n.value;
                take_step<kind>(rule, gradient, n);
                store_numbers<kind>(n, u, i);
                squares.add(n.value);
            }
    });
    return squares.total();
}

// All in one reading of the numbers, because they come from a farther cache.
template <class T>
double update_weights(const Rule<T>& of_step, const Update<T>& arrays, T* gradient, size_t count) {
    constexpr size_t part = 64 * lanes<T>;
    const Rule<T> rule = of_step;
    const Update<T> u = arrays;
    double squares = 0;
    with_kind(rule, [&](auto kind) {
        for (size_t begin = 0; begin < count; begin += part) {
            Vector<T> of_part{};
            for (size_t i = begin; i < count && i < begin + part; i += lanes<T>) {
                auto n = load_numbers<kind>(u, i);
                take_step<kind>(rule, load(gradient + i) + rule.decay * n.value, n);
                store_numbers<kind>(n, u, i);
                store(gradient + i, Vector<T>{});
                of_part += n.value * n.value;
            }
            squares += static_cast<double>(sum_of_lanes<T>(of_part)[0]);
        }
    });
    return squares;
}

}  // namespace handgrad::HANDGRAD_VARIANT
