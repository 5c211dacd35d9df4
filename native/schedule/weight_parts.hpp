// Steps over batches for networks with wide layers, whose gradient is too large for one per slice
// of rows. A step has two halves. First each worker carries some of the rows forward and back, and
// leaves their A and dZ of all layers. Then the weights are cut into parts: the gradient of a part
// is computed from all rows of the batch, used at once for a step of these weights, and forgotten,
// all in the nearest cache.
//
// The first layer's weights are shards of features where the rows' zeros are skipped, and parts
// like those of the other layers where they are not. No number depends on how rows and parts are
// dealt out, so that any number of threads gives the same bits.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "schedule/contention.hpp"
#include "schedule/row_slices.hpp"
#include "schedule/shards.hpp"

namespace handgrad {

// The weights that a slice of rows would need a gradient of: all, or those behind the first layer
// where that is cut into shards.
inline size_t weights_in_slices(const Layout& layout, bool shards) {
    size_t weights = 0;
    for (size_t l = shards ? 1 : 0; l < layout.depth; ++l) weights += layout.layers[l].W.size();
    return weights;
}

// Whether steps by parts of the weights are faster than those by slices of rows: they are where the
// slices' gradients do not stay in a worker's cache.
template <class T> bool worth_parts(const Samples<T>& samples, const Layout& layout, size_t batch) {
    constexpr size_t weights = 1 << 17;
    const bool shards = worth_sharding(samples, batch);
    const bool dense = !samples.nonzeros() && is_small_batch(*samples.rows, batch);
    return (shards || dense) && weights_in_slices(layout, shards) >= weights;
}

template <class T> class WeightPartTrainer final : public Trainer<T> {
  public:
    WeightPartTrainer(const Kernels<T>& kernels, const Layout& layout,
        const NetworkArrays<const T>& from, const Samples<T>& samples, size_t batch, size_t threads)
        : Trainer<T>(samples), kernels_(kernels), layout_(layout),
          shards_(samples.skip_zeros
                      ? std::make_unique<Shards<T>>(kernels, layout, from, samples, batch, threads)
                      : nullptr),
          dense_(shards_ ? layout.with_features(0) : layout), store_(dense_, from),
          X_stride_(dense_.first().W.inputs), X_(product(batch, X_stride_)),
          metrics_(units_of(batch)) {
        for (const Layer& layer : dense_) dZ_.emplace_back(product(batch, layer.W.stride()));
        for (size_t l = 0; l + 1 < dense_.depth; ++l)
            A_.emplace_back(product(batch, dense_.layers[l].W.stride()));
        size_t largest = cut_weights();
        if (shards_) largest = std::max(largest, shards_->largest());
        workers_ = std::min(threads, std::max(parts_.size(), metrics_.size()));
        for (size_t worker = 0; worker < workers_; ++worker)
            own_.emplace_back(dense_.depth, largest);
    }

    size_t most_workers() const override { return workers_; }
    size_t workers(double rows) const override {
        return workers_for(2 * work_of_passes(this->samples, layout_, rows), workers_);
    }

    void run(ThreadPool& pool, const std::vector<Batch<T>>& batches, Metrics* metrics) override {
        if (batches.front().rule.kind != Rule<T>::sgd) {
            store_.state.prepare_moments();
            if (shards_) shards_->prepare_moments();
        }
        contention_.run(pool, batches.back().end - batches.front().begin,
            [&](size_t worker, size_t workers, const auto& wait) {
                for (size_t i = 0; i < batches.size(); ++i) {
                    carry(batches[i], worker, workers);
                    if (worker == 0) metrics[i].cost = penalty(batches[i].rule.decay);
                    wait();
                    if (worker == 0) add_metrics(batches[i], metrics[i]);
                    step_with_parts(batches[i], worker, workers);
                    wait();
                }
            });
    }

    void write(Part part, const NetworkArrays<T>& to) override {
        if (shards_) shards_->write(part, to);
        store_.write(part, to);
    }
    void read(Part part, const NetworkArrays<const T>& from) override {
        if (shards_) shards_->read(part, from);
        store_.read(part, from);
    }

  private:
    static constexpr size_t unit = 16;     // rows whose metrics are one sum
    static constexpr size_t block = 128;   // rows that a worker carries at a time
    static constexpr size_t inputs = 128;  // of a part: of 64 outputs, 32 KB of float32

    // What a worker takes at a time in the second half of a step.
    struct PartOfStep {
        enum Kind : uint8_t { shard, weights, biases } kind;
        size_t index;  // of the shard, or of the layer
        WeightPart of;
        size_t work;         // numbers of its gradient
        double squares = 0;  // of its weights, before the step
        size_t done = 0;     // the work of the parts before it
    };

    // What a worker needs to itself.
    struct Own {
        std::vector<T*> A, dZ;  // of each layer, from the rows on that it carries
        Buffer<T> sums, room;   // the room for a gradient holds zeros in between
        Buffer<GroupRange> ranges;

        Own(size_t depth, size_t largest)
            : A(depth), dZ(depth), sums(unit), room(Buffer<T>::zeros(largest)), ranges(block) {}
    };

    static size_t units_of(size_t rows) { return (rows + unit - 1) / unit; }

    // Returns the numbers of the largest part.
    size_t cut_weights() {
        size_t largest = 0;
        const auto add = [&](typename PartOfStep::Kind kind, size_t index, WeightPart of,
                             size_t work, double squares) {
            const size_t done = parts_.empty() ? 0 : parts_.back().done + parts_.back().work;
            parts_.push_back({kind, index, of, work, squares, done});
        };
        // The products of shards skip zeros, but they load and store each sum.
        for (size_t s = 0; shards_ && s < shards_->count(); ++s)
            add(PartOfStep::shard, s, {}, shards_->weights(s) / 2, 0);
        for (size_t l = 0; l < dense_.depth; ++l) {
            const Layer& layer = dense_.layers[l];
            const Matrix& W = layer.W;
            for (size_t output = 0; output < W.stride(); output += W.panel)
                for (size_t input = 0; input < W.inputs; input += inputs) {
                    const WeightPart of{output, input, std::min(inputs, W.inputs - input)};
                    const size_t size = of.inputs * W.width(output);
                    const T* const values = store_.values() + layer.W_start + W.row(output, input);
                    add(PartOfStep::weights, l, of, size, kernels_.sum_of_squares(values, size));
                    largest = std::max(largest, size);
                }
            add(PartOfStep::biases, l, {}, W.stride(), 0);
            largest = std::max(largest, W.stride());
        }
        return largest;
    }

    // Carries one worker's share of a batch's rows, so that A and dZ of all layers are there.
    void carry(const Batch<T>& batch, size_t worker, size_t workers) {
        Samples<T> samples = this->samples;
        samples.share = batch.share;
        const size_t rows = batch.end - batch.begin, units = units_of(rows);
        const size_t end = std::min(rows, units * (worker + 1) / workers * unit);
        for (size_t row = units * worker / workers * unit; row < end; row += block)
            carry_block(samples, batch.begin, row, std::min(block, end - row), own_[worker]);
    }

    void carry_block(const Samples<T>& samples, size_t begin, size_t row, size_t rows, Own& own) {
        const auto from_row = [&](const std::vector<Buffer<T>>& batch, std::vector<T*>& of) {
            for (size_t l = 0; l < batch.size(); ++l)
                of[l] = batch[l].data() + row * dense_.layers[l].W.stride();
        };
        from_row(A_, own.A);
        from_row(dZ_, own.dZ);
        T* const Z1 = dense_.depth > 1 ? own.A[0] : own.dZ[0];
        const size_t first = begin + row;
        if (shards_)
            gather_first_layer(samples, first, rows, own.ranges.data(), Z1);
        else
            kernels_.first_layer(
                store_.view(), samples, first, rows, X_.data() + row * X_stride_, X_stride_, Z1);
        Scratch<T> scratch{};
        scratch.block = unit;
        scratch.A = own.A.data();
        scratch.dZ = own.dZ.data();
        scratch.sums = own.sums.data();
        kernels_.carry(store_.view(), samples, first, rows, scratch, metrics_.data() + row / unit);
    }

    void gather_first_layer(
        const Samples<T>& samples, size_t first, size_t rows, GroupRange* ranges, T* Z1) const {
        const Layer& layer = dense_.first();
        const size_t stride = layer.W.stride(), shards = shards_->count();
        for (size_t r = 0; r < rows; ++r)
            std::copy_n(store_.values() + layer.b_start, stride, Z1 + r * stride);
        for (size_t s = 0; s < shards; ++s)
            shards_->forward(
                s, s == 0 ? shards : s, samples, first, first + rows, ranges, /*adds=*/true, Z1);
    }

    // What the penalty adds to the cost: decay/2 · Σ W².
    double penalty(T decay) const {
        if (decay == 0) return 0;
        double sum = 0;
        for (const PartOfStep& part : parts_) sum += part.squares;
        return static_cast<double>(decay) / 2 * (shards_ ? shards_->add_squares(sum) : sum);
    }

    void add_metrics(const Batch<T>& batch, Metrics& metrics) const {
        const Metrics sum = sum_of(metrics_, units_of(batch.end - batch.begin));
        metrics.cost += sum.cost;
        metrics.correct = sum.correct;
    }

    // One worker's parts of the weights: those whose middle is in its share of the work.
    void step_with_parts(const Batch<T>& batch, size_t worker, size_t workers) {
        const size_t work = parts_.back().done + parts_.back().work;
        for (PartOfStep& part : parts_)
            if ((part.done + part.work / 2) * workers / work == worker)
                step(part, batch, own_[worker].room.data());
    }

    void step(PartOfStep& part, const Batch<T>& batch, T* room) {
        const size_t rows = batch.end - batch.begin;
        if (part.kind == PartOfStep::shard) {
            shards_->find(part.index, this->samples, batch.begin, batch.end);
            return shards_->step(part.index, batch.rule, rows, dZ_[0].data(), room);
        }
        const Layer& layer = dense_.layers[part.index];
        const T* const dZ = dZ_[part.index].data();
        if (part.kind == PartOfStep::biases) {
            Rule<T> rule = batch.rule;
            rule.decay = 0;
            kernels_.bias_gradient(dZ, rows, layer.W.stride(), room);
            take_step(rule, layer.b_start, layer.W.stride(), room);
            return;
        }
        const bool first = part.index == 0;
        const T* const A = first ? X_.data() : A_[part.index - 1].data();
        const size_t A_stride = first ? X_stride_ : dense_.layers[part.index - 1].W.stride();
        kernels_.part_gradient(layer.W, part.of, A, A_stride, dZ, rows, room);
        part.squares = take_step(batch.rule,
            layer.W_start + layer.W.row(part.of.output, part.of.input), part.work, room);
        if (!first) store_.refresh(kernels_, part.index, part.of);
    }

    // A step with the numbers from place on; returns the sum of their squares.
    double take_step(const Rule<T>& rule, size_t place, size_t count, T* gradient) const {
        const State<T>& state = store_.state;
        const auto from = [&](const Buffer<T>& moments) {
            return moments.size() > 0 ? moments.data() + place : nullptr;
        };
        return kernels_.update_weights(rule,
            {state.values.data() + place, from(state.first), from(state.second), gradient, 1, 0},
            gradient, count);
    }

    const Kernels<T>& kernels_;
    const Layout layout_;
    std::unique_ptr<Shards<T>> shards_;  // null where the first layer is like the others
    const Layout dense_;                 // of everything else
    ParameterStore<T> store_;
    size_t X_stride_;
    Buffer<T> X_;                    // the batch's rows, where they are dense
    std::vector<Buffer<T>> A_, dZ_;  // of the batch
    std::vector<Metrics> metrics_;   // of each unit
    std::vector<PartOfStep> parts_;
    size_t workers_ = 1;
    std::vector<Own> own_;  // of each worker
    Contention contention_;
};

}  // namespace handgrad
