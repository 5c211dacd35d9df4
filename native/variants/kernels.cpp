// Compiled once for each instruction set, with HANDGRAD_VARIANT and VECTOR_BYTES set.
#include "network/batch_passes.hpp"
#include "network/passes.hpp"
#include "network/shard_passes.hpp"
#include "network/update.hpp"
#include "rows/pack.hpp"

namespace handgrad::HANDGRAD_VARIANT {

template <class T> constexpr Kernels<T> kernels = {lanes<T>, panel_vectors, shard_vectors, step<T>,
    predict<T>, shard_forward<false, T>, shard_forward<true, T>, head<T>, shard_backward<T>,
    first_layer<T>, carry<T>, part_gradient<T>, bias_gradient<T>, transpose_part<T>, find_ranges<T>,
    update<T>, update_rows<T>, update_weights<T>, sum_of_squares<T>, count_nonzeros, pack<T>,
    pack_groups<T>, within};

extern const Kernels<float> float32;
extern const Kernels<double> float64;
const Kernels<float> float32 = kernels<float>;
const Kernels<double> float64 = kernels<double>;

}  // namespace handgrad::HANDGRAD_VARIANT
