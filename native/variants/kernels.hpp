// What one instruction set offers the rest of the core: a table of functions for each type.
#pragma once

#include "rows/rows.hpp"

namespace handgrad {

// What a worker needs to carry a block of rows through the network.
template <class T> struct Scratch {
    size_t block;     // rows
    size_t part;      // of them, as many as have their non-zeros gathered at a time
    size_t features;  // of dense rows, as many as are converted at a time
    size_t* starts;   // block + 1
    void* indices;    // of the block's non-zeros
    T* values;        // their values; or block × features dense numbers
    // Of each layer, block × its padded outputs; layers that do not need theirs at the same time
    // share one. The last layer has no A: its logits turn into dZ in place.
    T *const *A, *const *dZ;
    T* sums;  // block, padded to whole vectors
};

struct Metrics {
    double cost = 0;     // the sum of losses over the rows, each with its share
    double correct = 0;  // rows predicted right; NaN where values are predicted
};

template <class T> struct Parameters {
    const Layout* layout;
    const T* values;  // as the layout says
    const T* W_back;  // transposed copies of the weights behind the first layer, for L5
};

// What a step of a solver makes of a gradient.
template <class T> struct Rule {
    enum Kind : uint8_t { sgd, momentum, nesterov, adam } kind;
    T rate;           // η; of adam, with the correction of its step
    T momentum_kept;  // sgd: μ; adam: β1
    T square_kept;    // adam: β2
    T epsilon;
    T decay = 0;  // the penalty's part: dW + decay · W takes the place of dW
};

// Numbers of a flat array that a step changes, and the gradients of the slices to be added up.
template <class T> struct Update {
    T *parameters, *first, *second;  // first and second moments, where the rule has them
    const T* gradients;              // slice s begins at s · gradient_stride
    size_t slices, gradient_stride;
};

// Row i of each shard's part of Z1, and of dZ1, lies i rows behind the first.
template <class T> struct ShardSums {
    const T* Z1;  // shard s begins at s · stride
    size_t shards, stride;
    T scale;
    T* dZ1;
};

// One of the shards of packed rows. A worker that starts its first shard prefetches the coming
// rows for all of its shards, up to `fetch_to`.
struct ShardView {
    const ShardedRows& rows;
    size_t shard, fetch_to;
};

// Where a sample's part of a shard lies, from group to group; and the sample's place in its batch.
struct GroupRange {
    uint32_t begin, end, sample;
};

// Some of a layer's weights: those of consecutive inputs to the outputs of one panel.
struct WeightPart {
    size_t output, input;  // the first ones
    size_t inputs;
};

template <class T> struct Kernels {
    size_t lanes, vectors;  // of a panel
    size_t shard_vectors;   // of the widest panel of a shard

    // Zeroes the gradient, then adds that of the samples from begin to end (L1 to L6). Without one
    // it computes the cost and the hits alone: the same bits.
    Metrics (*step)(const Parameters<T>&, const Samples<T>&, size_t begin, size_t end,
        const Scratch<T>&, const Layout& gradient_layout, T* gradient);
    // Writes the outputs (O1) of the samples from begin to end, one row per sample.
    void (*predict)(const Parameters<T>&, const Samples<T>&, size_t begin, size_t end,
        const Scratch<T>&, T* outputs);
    // A step in three parts, for features that are cut into shards (feature_shards.hpp): Z1 = X · W1
    // of one shard's features; from all shards' Z1 to dZ1, times scale, and the gradient of all but
    // W1; dW1 += Xᵀ · dZ1 of one shard. The first notes where it found the rows. shard_forward_added
    // adds to Z1.
    void (*shard_forward)(const Matrix& W1, const T* values, const Samples<T>&, const ShardView&,
        size_t begin, size_t end, GroupRange* ranges, T* Z1);
    void (*shard_forward_added)(const Matrix& W1, const T* values, const Samples<T>&,
        const ShardView&, size_t begin, size_t end, GroupRange* ranges, T* Z1);
    Metrics (*head)(const Parameters<T>&, const Samples<T>&, size_t begin, size_t end,
        const ShardSums<T>&, const Scratch<T>&, T* gradient);
    void (*shard_backward)(const Matrix& W1, const ShardedRows&, const GroupRange* ranges,
        size_t rows, const T* dZ1, T* dW1);
    // A step in two halves, for wide layers (weight_parts.hpp). First each layer's A and dZ of some
    // samples, in scratch: Z1 of dense rows, which become numbers of type T in X, and all that
    // follows Z1, with metrics of scratch.block rows each. Then the gradient of parts of the
    // weights, or of biases, and a part's transposed copy after its step.
    void (*first_layer)(const Parameters<T>&, const Samples<T>&, size_t first, size_t rows, T* X,
        size_t X_stride, T* Z1);
    void (*carry)(const Parameters<T>&, const Samples<T>&, size_t first, size_t rows,
        const Scratch<T>&, Metrics*);
    void (*part_gradient)(const Matrix&, const WeightPart&, const T* A, size_t A_stride,
        const T* dZ, size_t rows, T* dW);
    void (*bias_gradient)(const T* dZ, size_t rows, size_t stride, T* db);
    void (*transpose_part)(const Layer&, const WeightPart&, const T* W, T* W_back);
    // Where the samples' parts of a shard lie, for shard_backward.
    void (*find_ranges)(
        const Samples<T>&, const ShardView&, size_t begin, size_t count, GroupRange* ranges);
    void (*update)(Rule<T>, Update<T>, size_t begin, size_t end);
    // A step with rows of weights. Row r has a gradient, slots[r] rows behind the first, unless
    // its slot is negative. Returns the sum of squares after the step.
    double (*update_rows)(Rule<T>, Update<T>, const int32_t* slots, size_t rows, size_t width);
    // A step with all of some weights, whose one gradient it leaves at zero; returns the sum of
    // their squares.
    double (*update_weights)(Rule<T>, Update<T>, T* gradient, size_t count);
    double (*sum_of_squares)(const T* values, size_t count);
    // Packs a dense row into CSR: counts its non-zeros, or writes as many as `to` has room for.
    size_t (*count_nonzeros)(const Rows&, size_t row);
    void (*pack)(const Rows&, size_t row, const Rows& to, void* room);
    // Packs a dense row into that many groups.
    void (*pack_groups)(
        const Rows&, size_t row, bool short_indices, void* to, size_t groups, void* room);
    // Whether every number is from least to most; NaN is not.
    bool (*within)(const Rows&, size_t begin, size_t end, double least, double most);
};

}  // namespace handgrad
