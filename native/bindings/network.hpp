// Networks and instruction sets from Python, and networks to Python.
#pragma once

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.hpp"
#include "network/storage.hpp"
#include "variants/variants.hpp"

namespace handgrad {

inline const Variant& variant_named(const std::string& name) {
    for (const Variant& variant : variants)
        if (name == variant.name && variant.supported()) return variant;
    throw std::invalid_argument("no such instruction set here: " + name);
}

template <class T> const Kernels<T>& kernels_named(const std::string& name) {
    return kernels_of<T>(variant_named(name));
}

// The parameters of a network as they came in; their arrays are kept alive.
template <class T> class NetworkIn {
  public:
    using Layers = std::vector<std::pair<MatrixIn<T>, MatrixIn<T>>>;

    NetworkIn(Layers layers, Output output) : layers_(std::move(layers)), output_(output) {
        if (layers_.size() != Layout::depth)
            throw std::invalid_argument("the core computes networks of two layers");
        sizes_[0] = layers_[0].first.shape(1);
        size_t numbers = 0;
        for (size_t i = 0; i < Layout::depth; ++i) {
            const auto& [W, b] = layers_[i];
            sizes_[i + 1] = W.shape(0);
            if (W.size() == 0 || W.shape(1) != sizes_[i] || b.size() != sizes_[i + 1])
                throw std::invalid_argument("the parameters do not fit each other");
            numbers += product(sizes_[i] + 64, sizes_[i + 1] + 64);
        }
        product(numbers, 16 * sizeof(T));  // throws where memory could never hold them
        if (output == Output::logistic && sizes_[Layout::depth] != 1)
            throw std::invalid_argument("a logistic output has one row");
    }

    Layout layout(const Kernels<T>& kernels) const {
        return Layout(sizes_, output_, kernels.lanes, kernels.vectors);
    }
    NetworkArrays<const T> arrays() const {
        NetworkArrays<const T> arrays;
        for (const auto& [W, b] : layers_) arrays.push_back({W.data(), b.data()});
        return arrays;
    }
    Output output() const { return output_; }
    bool fits(const NetworkIn& other) const {
        return std::equal(std::begin(sizes_), std::end(sizes_), std::begin(other.sizes_));
    }

  private:
    Layers layers_;
    Output output_;
    size_t sizes_[Layout::depth + 1];
};

// A network, its gradient or its moments on the way to Python.
template <class T> class NetworkOut {
  public:
    using Layers = std::vector<std::pair<Array<T>, Array<T>>>;

    explicit NetworkOut(const Layout& layout) {
        for (const Layer& layer : layout.layers)
            layers_.emplace_back(
                OwnedArray<T>(layer.W.outputs, layer.W.inputs), OwnedArray<T>(layer.W.outputs, 1));
    }
    NetworkArrays<T> arrays() const {
        NetworkArrays<T> arrays;
        for (const auto& [W, b] : layers_) arrays.push_back({W.data.get(), b.data.get()});
        return arrays;
    }
    Layers release() {
        Layers released;
        for (auto& [W, b] : layers_) released.emplace_back(W.release(), b.release());
        return released;
    }

  private:
    std::vector<std::pair<OwnedArray<T>, OwnedArray<T>>> layers_;
};

}  // namespace handgrad
