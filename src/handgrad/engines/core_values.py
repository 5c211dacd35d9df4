"""Values on their way into the C++ core and back, and the core's errors as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.engines import _native, inputs
from handgrad.engines.rules import Adam, Rule
from handgrad.errors import EngineError, ShapeError
from handgrad.layers import FLOAT_TYPES
from handgrad.rows import PIXEL_SCALE, Bytes, csr_parts, damaged_sparse, is_sparse

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.layers import Matrix
    from handgrad.network import Network
    from handgrad.objective import Objective
    from handgrad.targets import Targets

MOST_SPARSE_COLUMNS = 2**31 - 1  # column indices are of 32 bits
_ACTIVATIONS = {activation.name: activation for activation in _native.Activation}
_OUTPUTS = {output.name: output for output in _native.Output}
_LARGEST = {dtype: float(np.finfo(dtype).max) for dtype in FLOAT_TYPES}


def core_rows(network: Network, given: Any, threads: int) -> _native.Rows:
    """Return checked rows as the core reads them, or raise a ShapeError if not all are finite."""
    values, scale = given, PIXEL_SCALE
    if isinstance(given, Bytes):
        values, scale = given.values, float(given.scale)
    with inputs.enough_memory():
        rows = (_sparse_rows if is_sparse(values) else _dense_rows)(network, values, scale)
        if not _native.within(rows, *range_of(network), threads):
            raise ShapeError(inputs.NOT_FINITE)
    return rows


def _dense_rows(network: Network, given: npt.NDArray[Any], scale: float) -> _native.Rows:
    rows = _readable(network, given)
    return _native.dense_rows(rows if _lies_well(rows) else np.array(rows, order="C"), scale)


def _readable(network: Network, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return bytes and floating numbers as they are, others as the network's type."""
    if values.dtype == np.uint8 or values.dtype in FLOAT_TYPES:
        return values
    with np.errstate(over="ignore"):  # to infinity, which is refused
        return values.astype(network.dtype)


def _lies_well(rows: npt.NDArray[Any]) -> bool:
    """Tell whether the core can read the rows in place: each row's numbers side by side."""
    between_rows, between_numbers = rows.strides
    size = rows.dtype.itemsize
    return bool(
        rows.flags.aligned
        and (between_numbers == size or rows.shape[1] == 1)
        and between_rows >= 0
        and between_rows % size == 0
    )


def _sparse_rows(network: Network, given: Any, scale: float) -> _native.Rows:
    if given.shape[1] > MOST_SPARSE_COLUMNS:
        raise ShapeError(
            f"X has {given.shape[1]:,} columns; expected at most {MOST_SPARSE_COLUMNS:,} "
            "where it is sparse."
        )
    indptr, indices, values = csr_parts(given)
    try:
        return _native.sparse_rows(
            np.require(indptr, np.int64, ["C", "A"]),
            np.require(indices, np.int32 if indices.itemsize < 8 else np.int64, ["C", "A"]),
            np.require(_readable(network, values), requirements=["C", "A"]),
            given.shape[0],
            given.shape[1],
            scale,
        )
    except _native.RefusedError as error:
        raise damaged_sparse(str(error)) from None


def core_targets(
    network: Network, targets: Targets
) -> tuple[npt.NDArray[np.int32] | None, Any]:  # of the network's type
    """Return checked targets as the core reads them: labels or values, and None for the other."""
    if network.predicts == "classes":
        return np.ascontiguousarray(targets, np.int32), None
    return None, np.require(targets, network.dtype, ["C", "A"])


def core_network(network: Network) -> Any:  # of the type that the session has, too
    """Return the network's layers in the type of its numbers."""
    core = _native.Network32 if network.dtype == np.float32 else _native.Network64
    layers: Any = [(layer.W, layer.b, _ACTIVATIONS[layer.activation]) for layer in network.layers]
    return core(layers, _OUTPUTS[network.output])


def core_objective(objective: Objective) -> _native.Objective:
    """Return what the core minimises."""
    return _native.Objective(
        _OUTPUTS[objective.output], float(objective.alpha), bool(objective.averages_outputs)
    )


def core_rule(rule: Rule) -> _native.Rule:
    """Return the update rule."""
    if isinstance(rule, Adam):
        return _native.Rule.adam(rule.learning_rate, rule.beta_1, rule.beta_2, rule.epsilon)
    return _native.Rule.sgd(rule.learning_rate, rule.momentum, rule.nesterov)


def parameters_of(layers: Any) -> tuple[Matrix, ...]:
    """Return the core's layers as W1, b1, W2, b2 and so on."""
    return tuple(array for layer in layers for array in layer)


def range_of(network: Network) -> tuple[float, float]:
    """Return the least and the largest finite number of the network's type."""
    largest = _LARGEST[network.dtype]
    return -largest, largest


class CoreErrors:
    """Says in sentences what the core raises; what a callback raises passes through."""

    def __enter__(self) -> None:
        """Do nothing; a class costs short calls less than a generator."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Raise the engine's error instead of the core's."""
        if error is None:
            return
        if isinstance(error, _native.OutOfMemoryError):
            raise EngineError(inputs.NO_MEMORY) from error
        if isinstance(error, _native.InsideEpochError):
            raise EngineError(inputs.INSIDE_AN_EPOCH) from None
        if isinstance(error, _native.RefusedError):
            raise ShapeError(
                f"The arrays changed while they were read: {error}; expected arrays that nobody "
                "writes to during the call."
            ) from None
