// What every session holds: rows, labels and weights that are checked once, and what is minimised on
// them.
#pragma once

#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <optional>

#include "bindings/arrays.hpp"
#include "rows/packed.hpp"

namespace handgrad {

struct Objective {
    Output output;
    double alpha;  // α Σ W² / 2 Σ w is added to C1, where w are the rows' weights, 1 by default
};

// Which rows a pass reads; whether their zeros are skipped.
template <class T> Samples<T> samples_of(const Kernels<T>& kernels, const Rows& rows) {
    Samples<T> samples{&rows, nullptr};
    samples.share = T(1) / static_cast<T>(std::max<size_t>(rows.count, 1));
    samples.skip_zeros = !rows.sparse() && rows.features <= most_sparse_features &&
                         density(kernels, rows) < sparse_below;
    return samples;
}

template <class T> class LabelledRows {
  public:
    // `total` is the sum of the weights, as the caller has checked it; the number of rows where
    // there are none.
    LabelledRows(const std::string& instruction_set, const RowsHandle& rows,
        const VectorIn<int32_t>& labels, const Objective& objective,
        const std::optional<VectorIn<double>>& weights, double total)
        : kernels_(kernels_named<T>(instruction_set)), rows_(rows), labels_(copy_of(labels)),
          objective_(objective), total_(total) {
        const nb::gil_scoped_release release;
        const size_t count = rows.rows.count;
        if (labels.size() != count || (weights && weights->size() != count))
            throw std::invalid_argument("rows, labels and weights do not fit each other");
        uint32_t most = 0;  // a negative label is a large one
        for (size_t i = 0; i < count; ++i) most = std::max(most, static_cast<uint32_t>(labels_[i]));
        if (most > INT32_MAX) throw std::invalid_argument("a label is negative");
        classes_ = size_t{most} + 1;
        samples_ = samples_of<T>(kernels_, rows_.rows);
        samples_.labels = labels_.data();
        if (!weights) return;
        weights_ = copy_of(*weights);
        shares_ = Buffer<T>(count);
        for (size_t i = 0; i < count; ++i) shares_[i] = static_cast<T>(weights_[i] / total);
        samples_.shares = shares_.data();
    }
    LabelledRows(const LabelledRows&) = delete;

    size_t count() const { return rows_.rows.count; }

  protected:
    ~LabelledRows() = default;

    Layout layout_of(const NetworkIn<T>& network) const {
        const Layout layout = network.layout(kernels_);
        if (rows_.rows.features != layout.first().W.inputs)
            throw std::invalid_argument("rows and network do not fit each other");
        if (layout.output != objective_.output)
            throw std::invalid_argument("the network's output is not that of the objective");
        if (classes_ > layout.classes())
            throw std::invalid_argument("a label is not a class of the network");
        return layout;
    }

    T decay() const { return static_cast<T>(objective_.alpha / total_); }

    double accuracy(const Metrics& metrics) const {
        return static_cast<double>(metrics.correct) / static_cast<double>(count());
    }

    const Kernels<T>& kernels_;
    RowsHandle rows_;
    Buffer<int32_t> labels_;
    size_t classes_ = 0;  // that the labels need
    Objective objective_;
    double total_;
    Buffer<double> weights_;
    Buffer<T> shares_;
    Samples<T> samples_;
};

}  // namespace handgrad
