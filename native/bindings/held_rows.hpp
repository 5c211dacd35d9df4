// Every session holds rows, targets and weights, which are checked once, and an objective.
#pragma once

#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <optional>

#include "bindings/arrays.hpp"
#include "rows/packed.hpp"

namespace handgrad {

struct Objective {
    Output output;
    double alpha;  // α Σ W² / 2 Σ w is added to the mean loss; w are row weights, 1 by default
    bool averages_outputs;  // reported costs divide the squared error by the outputs
};

// Which rows a pass reads; whether their zeros are skipped.
template <class T> Samples<T> samples_of(const Kernels<T>& kernels, const Rows& rows) {
    Samples<T> samples{&rows};
    samples.share = T(1) / static_cast<T>(std::max<size_t>(rows.count, 1));
    samples.skip_zeros = !rows.sparse() && rows.features <= most_sparse_features &&
                         density(kernels, rows) < sparse_below;
    return samples;
}

template <class T> class HeldRows {
  public:
    // Labels or values, as the objective's output has them (Layout::predicts_classes). `total` is
    // the sum of the weights, as the caller has checked it; the number of rows where there are none.
    HeldRows(const std::string& instruction_set, const RowsHandle& rows,
        const std::optional<VectorIn<int32_t>>& labels, const std::optional<MatrixIn<T>>& values,
        const Objective& objective, const std::optional<VectorIn<double>>& weights, double total)
        : kernels_(kernels_named<T>(instruction_set)), rows_(rows), objective_(objective),
          total_(total) {
        const size_t count = rows.rows.count;
        if (labels.has_value() == values.has_value())
            throw std::invalid_argument("expected either labels or values");
        if ((labels ? labels->size() : values->shape(0)) != count ||
            (weights && weights->size() != count))
            throw std::invalid_argument("rows, targets and weights do not fit each other");
        const nb::gil_scoped_release release;
        samples_ = samples_of<T>(kernels_, rows_.rows);
        if (labels) hold(*labels);
        if (values) hold(*values);
        if (!weights) return;
        weights_ = copy_of<double>(*weights);
        shares_ = Buffer<T>(count);
        for (size_t i = 0; i < count; ++i) shares_[i] = static_cast<T>(weights_[i] / total);
        samples_.shares = shares_.data();
    }
    HeldRows(const HeldRows&) = delete;

    size_t count() const { return rows_.rows.count; }

  protected:
    ~HeldRows() = default;

    Layout layout_of(const NetworkIn<T>& network) const {
        const Layout layout = network.layout(kernels_);
        if (rows_.rows.features != layout.first().W.inputs)
            throw std::invalid_argument("rows and network do not fit each other");
        if (layout.output != objective_.output)
            throw std::invalid_argument("the network's output is not that of the objective");
        if (layout.predicts_classes() != (samples_.labels != nullptr))
            throw std::invalid_argument("the network's output has other targets");
        if (classes_ > layout.columns())
            throw std::invalid_argument("a label is not a class of the network");
        if (samples_.values && outputs_ != layout.columns())
            throw std::invalid_argument("the network has not one output for each value");
        return layout;
    }

    T decay() const { return static_cast<T>(objective_.alpha / total_); }

    double accuracy(const Metrics& metrics) const {
        return metrics.correct / static_cast<double>(count());
    }

    const Kernels<T>& kernels_;
    RowsHandle rows_;
    Buffer<int32_t> labels_;
    Buffer<T> values_;
    size_t classes_ = 0;  // that the labels need
    size_t outputs_ = 0;  // that have a value each
    Objective objective_;
    double total_;
    Buffer<double> weights_;
    Buffer<T> shares_;
    Samples<T> samples_;

  private:
    void hold(const VectorIn<int32_t>& labels) {
        labels_ = copy_of<int32_t>(labels);
        uint32_t most = 0;  // a negative label is a large one
        for (size_t i = 0; i < labels_.size(); ++i)
            most = std::max(most, static_cast<uint32_t>(labels_[i]));
        if (most > INT32_MAX) throw std::invalid_argument("a label is negative");
        classes_ = size_t{most} + 1;
        samples_.labels = labels_.data();
    }

    void hold(const MatrixIn<T>& values) {
        values_ = copy_of<T>(values);
        outputs_ = values.shape(1);
        samples_.values = values_.data();
        if (objective_.averages_outputs && objective_.output == Output::identity)
            samples_.loss_scale = 1 / static_cast<double>(std::max<size_t>(outputs_, 1));
    }
};

}  // namespace handgrad
