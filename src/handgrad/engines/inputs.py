"""What every engine checks before it computes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arguments import whole_number
from handgrad.engines.protocol import Moments
from handgrad.engines.rules import Adam, Rule, Sgd, check_learning_rate
from handgrad.errors import EngineError, ShapeError, TrainingError
from handgrad.quoting import shown
from handgrad.rows import as_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from handgrad.network import Network

NO_MEMORY = (
    "There is not enough memory for a network and rows of this size; "
    "expected fewer features, hidden units or threads."
)
NOT_FINITE = "X holds NaN or infinite values; expected finite numbers."
INSIDE_AN_EPOCH = (
    "This run of batches is inside an epoch already; expected one epoch at a time, and its "
    "network and moments to be read between epochs or in on_progress."
)
PACKED_ALREADY = (
    "These rows are packed for networks of another size, type or scale of bytes; expected a "
    "network like the first one: make another part of the engine for this one."
)
MOST_STEPS = 2**53  # above it, float64 does not hold every whole number for adam's correction


def check_descent(learning_rate: float, iterations: int, dtype: np.dtype[Any]) -> None:
    """Raise an error unless a run of descent can take these settings."""
    check_rate(learning_rate, dtype)
    whole_number("iterations", iterations, 0, None, EngineError)


def check_rate(learning_rate: float, dtype: np.dtype[Any]) -> None:
    """Raise a TrainingError unless the rate is above 0 and the network's type can hold it."""
    check_learning_rate(learning_rate)
    if learning_rate > float(np.finfo(dtype).max):
        raise TrainingError(
            f"learning_rate is {shown(learning_rate)}, which {dtype} cannot hold; "
            "expected a smaller one."
        )


def check_batches(rule: Rule, batch_size: int, moments: Moments | None, network: Network) -> None:
    """Raise an error unless a run of batches can begin with these settings."""
    if not isinstance(rule, Sgd | Adam):
        raise TrainingError(f"rule is {shown(rule)}; expected an Sgd or an Adam.")
    check_rate(rule.learning_rate, network.dtype)
    whole_number("batch_size", batch_size, 1, None, EngineError)
    if moments is not None:
        check_moments(moments, network)


@contextmanager
def enough_memory() -> Iterator[None]:
    """Turn a lack of memory into an EngineError; not for blocks that call a user's function."""
    try:
        yield
    except MemoryError:
        raise EngineError(NO_MEMORY) from None


def room_for(steps: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return arrays for a cost and an accuracy of each step, or raise an EngineError."""
    try:
        return np.empty(steps), np.empty(steps)
    except (MemoryError, ValueError, OverflowError):
        raise EngineError(
            f"There is not enough memory for the costs of {shown(steps)} steps; "
            "expected fewer iterations or batches."
        ) from None


def check_order(order: npt.ArrayLike | None, m: int) -> npt.NDArray[np.int64]:
    """Return the rows of an epoch in their order: all of them unless an order is given.

    Examples
    --------
    >>> check_order([2, 0], m=3), check_order(None, m=2)
    (array([2, 0]), array([0, 1]))
    """
    if order is None:
        return np.arange(m, dtype=np.int64)
    rows = as_array("order", order)
    if rows.ndim != 1 or rows.dtype.kind not in "ui" or not len(rows):
        raise ShapeError(
            f"order holds {rows.dtype} values in shape {rows.shape}; expected a list of rows of X."
        )
    if rows.min() < 0 or rows.max() >= m:
        raise ShapeError(
            f"order names rows from {rows.min()} to {rows.max()}; expected 0 to {m - 1}."
        )
    return rows.astype(np.int64)


def check_sample(x: npt.NDArray[Any], features: int) -> None:
    """Raise a ShapeError unless x is one sample."""
    if x.shape != (features,):
        raise ShapeError(f"x has shape {x.shape}; expected ({features},), one sample.")


def weights(sample_weight: npt.ArrayLike, m: int) -> npt.NDArray[np.float64]:
    """Return the weights of m rows: finite numbers of 0 or more, whose sum is above 0 and finite.

    Anything else raises a ShapeError.
    """
    values = _numbers(sample_weight)
    if values.shape != (m,):
        raise ShapeError(
            f"sample_weight has shape {values.shape}; expected ({m},), one weight per row of X."
        )
    with np.errstate(over="ignore"):
        sum_of_weights = values.sum()
    if not np.isfinite(values).all() or values.min(initial=0) < 0 or sum_of_weights <= 0:
        raise ShapeError(
            "sample_weight holds a negative or infinite weight, or only zeros; "
            "expected weights of 0 or more, with a positive sum."
        )
    if not np.finfo(np.float64).tiny <= sum_of_weights < np.inf:
        raise ShapeError(
            f"sample_weight adds up to {sum_of_weights:g}, beyond float64's range; "
            "expected weights of a moderate size."
        )
    return values


def _numbers(sample_weight: npt.ArrayLike) -> npt.NDArray[np.float64]:
    given = as_array("sample_weight", sample_weight)
    if given.dtype.kind in "buifO":
        try:
            with np.errstate(over="ignore"):  # of wider types, to infinity
                return given.astype(np.float64, copy=False)
        except (TypeError, ValueError, OverflowError):
            pass
    raise ShapeError(
        f"sample_weight holds {given.dtype} values that are not numbers; "
        "expected one number per row of X."
    )


def zero_moments(network: Network) -> Moments:
    """Return the moments before the first step."""
    zeros = tuple(np.zeros_like(array) for array in network.parameters)
    return Moments(0, zeros, zeros)


def check_predicts_classes(network: Network) -> None:
    """Raise a ShapeError unless the network predicts one class of several."""
    if network.predicts != "classes":
        raise ShapeError(
            f"The network predicts {network.predicts} by its output {network.output}, of which "
            "none is the class of a sample; expected a network that predicts classes: call "
            "outputs(), or probabilities() of its predictor."
        )


def check_moments(moments: Moments, network: Network) -> None:
    """Raise a ShapeError unless a rule can continue with these moments of such a network."""
    try:
        steps, first, second = moments
        found = [(array.shape, array.dtype) for array in (*first, *second)]
    except (TypeError, ValueError, AttributeError):
        raise ShapeError(
            f"moments are {shown(moments)}; expected those of earlier batches."
        ) from None
    whole_number("moments.steps", steps, 0, MOST_STEPS, ShapeError)
    expected = [(array.shape, array.dtype) for array in network.parameters] * 2
    if found != expected:
        raise ShapeError(
            "moments do not fit the network in shape or type; expected those of earlier batches "
            f"of {network!r}."
        )
