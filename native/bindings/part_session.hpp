// A session of rows that are one part of a larger set. Every pass runs in the caller's thread, as one
// slice (schedule/one_slice.hpp). Nothing changes after construction, so several threads may call
// it at the same time.
#pragma once

#include "bindings/held_rows.hpp"
#include "schedule/one_slice.hpp"

namespace handgrad {

template <class T> class PartSession : public HeldRows<T> {
  public:
    using HeldRows<T>::count;

    // With `kept`, rows with zeros are packed, and their dense form is let go.
    PartSession(const std::string& instruction_set, const RowsHandle& rows,
        const std::optional<VectorIn<int32_t>>& labels, const std::optional<MatrixIn<T>>& values,
        const Objective& objective, const std::optional<VectorIn<double>>& weights, double total,
        bool kept)
        : HeldRows<T>(instruction_set, rows, labels, values, objective, weights, total) {
        if (!samples_.skip_zeros) return;
        samples_.scale_sums = true;
        if (!kept) return;
        {
            const nb::gil_scoped_release release;
            ThreadPool none(1);
            packed_ = std::make_unique<const PackedRows<T>>(kernels_, rows_.rows, none,
                /*columns=*/block_of_one_slice(rows_.rows) == CscBlocks::block);
        }
        samples_.rows = &packed_->rows();
        rows_.values.reset();
    }

    // The cost, and the share of rows predicted right.
    std::pair<double, double> cost(const NetworkIn<T>& network) const {
        const Layout layout = layout_of(network);
        const nb::gil_scoped_release release;
        const OneSlice<T> slice(kernels_, layout, network.arrays(), samples_);
        const Metrics metrics = slice.cost(decay());
        return {metrics.cost, accuracy(metrics)};
    }

    // The same, and the gradient.
    std::tuple<double, double, Layers<T>> cost_and_gradient(const NetworkIn<T>& network) const {
        const Layout layout = layout_of(network);
        Layers<T> out = new_layers<T>(layout);
        const nb::gil_scoped_release release;
        const OneSlice<T> slice(kernels_, layout, network.arrays(), samples_);
        const Metrics metrics = slice.cost_and_gradient(decay(), arrays_of<T>(out));
        return {metrics.cost, accuracy(metrics), std::move(out)};
    }

  private:
    using HeldRows<T>::kernels_, HeldRows<T>::rows_, HeldRows<T>::samples_, HeldRows<T>::layout_of,
        HeldRows<T>::decay, HeldRows<T>::accuracy;

    std::unique_ptr<const PackedRows<T>> packed_;
};

}  // namespace handgrad
