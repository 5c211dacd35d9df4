// Predictions of one sample at a time, at little cost per call.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "bindings/arrays.hpp"
#include "schedule/trainer.hpp"

namespace handgrad {

// A vector of numbers in place, by Python's buffer protocol: half the cost of an nb::ndarray.
struct SampleIn {
    Py_buffer view;
    Rows row;

    explicit SampleIn(nb::handle x) {
        if (PyObject_GetBuffer(x.ptr(), &view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS) != 0)
            throw nb::python_error();
        const char format = view.format && std::strlen(view.format) == 1 ? *view.format : 0;
        const auto address = reinterpret_cast<std::uintptr_t>(view.buf);
        const bool known = view.ndim == 1 && (format == 'B' || format == 'f' || format == 'd');
        if (!known || address % static_cast<std::uintptr_t>(view.itemsize) != 0) {
            PyBuffer_Release(&view);
            throw nb::type_error("the sample is not a vector of bytes or numbers");
        }
        row.type = format == 'B'   ? Number::uint8
                   : format == 'f' ? Number::float32
                                   : Number::float64;
        row.values = view.buf;
        row.count = 1;
        row.features = row.stride = static_cast<size_t>(view.len / view.itemsize);
        row.short_indices = row.features <= 65536;
    }
    ~SampleIn() { PyBuffer_Release(&view); }
    SampleIn(const SampleIn&) = delete;
    SampleIn& operator=(const SampleIn&) = delete;
};

// A network whose parameters are laid out once. One scratch memory is enough, because a call holds
// the GIL.
template <class T> class Predictor {
  public:
    // Multiplies bytes by scale; refuses samples with numbers that are not from least to most.
    Predictor(const std::string& instruction_set, const NetworkIn<T>& network, double scale,
        double least, double most)
        : kernels_(kernels_named<T>(instruction_set)), layout_(network.layout(kernels_)),
          store_(layout_, network.arrays()), workspace_(layout_, samples(rows_), features(), 1, 1),
          outputs_(layout_.columns()), scale_(scale), least_(least), most_(most) {}

    Array<T> outputs(nb::handle x) {
        Array<T> out = new_array<T>({layout_.columns()});
        run(x, out.data());
        return out;
    }

    size_t label(nb::handle x) {
        run(x, outputs_.data());
        const T* p = outputs_.data();
        return static_cast<size_t>(std::max_element(p, p + layout_.columns()) - p);
    }

  private:
    size_t features() const { return layout_.first().W.inputs; }

    // For a single row the sparse product is the faster one: it computes several sums at a time.
    static Samples<T> samples(const Rows& rows) {
        Samples<T> samples{&rows};
        samples.skip_zeros = rows.features <= most_sparse_features;
        return samples;
    }

    void run(nb::handle x, T* outputs) {
        SampleIn sample(x);
        Rows& row = sample.row;
        row.scale = scale_;
        if (row.features != features())
            throw nb::value_error("the sample does not fit the network");
        if (!kernels_.within(row, 0, 1, least_, most_))
            throw nb::value_error("the sample holds a number out of range");
        kernels_.predict(store_.view(), samples(row), 0, 1, workspace_[0], outputs);
    }

    const Kernels<T>& kernels_;
    const Layout layout_;
    const Rows rows_;
    ParameterStore<T> store_;
    Workspace<T> workspace_;
    Buffer<T> outputs_;
    double scale_, least_, most_;
};

}  // namespace handgrad
