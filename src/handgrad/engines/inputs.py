"""What every engine checks before it computes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.arguments import whole_number
from handgrad.engines.rules import Adam, Rule, Sgd, check_learning_rate
from handgrad.errors import EngineError, ShapeError, TrainingError
from handgrad.quoting import shown
from handgrad.rows import as_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from handgrad.engines.protocol import Moments
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
MOST_STEPS = 2**53  # that adam's correction tells apart


def check_descent(learning_rate: float, iterations: int, dtype: np.dtype[Any]) -> None:
    """Raise an error unless a run of descent can take these settings.

    Raises
    ------
    TrainingError
        If the learning rate is not a number above 0, or beyond the network's type.
    EngineError
        If iterations is not a whole number of 0 or more.

    Examples
    --------
    >>> check_descent(learning_rate=0.1, iterations=0, dtype=np.dtype(np.float32))
    """
    check_rate(learning_rate, dtype)
    whole_number("iterations", iterations, 0, None, EngineError)


def check_rate(learning_rate: float, dtype: np.dtype[Any]) -> None:
    """Raise a TrainingError unless the rate is a number above 0 that the network's type can hold.

    Examples
    --------
    >>> check_rate(0.1, np.dtype(np.float32))
    """
    check_learning_rate(learning_rate)
    if learning_rate > float(np.finfo(dtype).max):
        raise TrainingError(
            f"learning_rate is {shown(learning_rate)}, which {dtype} cannot hold; "
            "expected a smaller one."
        )


def check_rule(rule: Rule, dtype: np.dtype[Any]) -> None:
    """Raise a TrainingError unless this is a rule of batches, with a rate that the type can hold.

    Examples
    --------
    >>> from handgrad.engines import Adam
    >>> check_rule(Adam(), np.dtype(np.float32))
    """
    if not isinstance(rule, Sgd | Adam):
        raise TrainingError(f"rule is {shown(rule)}; expected an Sgd or an Adam.")
    check_rate(rule.learning_rate, dtype)


def check_batches(rule: Rule, batch_size: int, moments: Moments | None, network: Network) -> None:
    """Raise an error unless a run of batches can begin with these settings.

    Raises
    ------
    TrainingError
        If the rule is not one, or has a rate beyond the network's type.
    EngineError
        If the batch size is not a whole number of 1 or more.
    ShapeError
        If the moments do not belong to such a network.

    Examples
    --------
    >>> from handgrad import Network
    >>> check_batches(Sgd(), 32, None, Network.initial(features=2, hidden=3, classes=2))
    """
    check_rule(rule, network.dtype)
    whole_number("batch_size", batch_size, 1, None, EngineError)
    if moments is not None:
        check_moments(moments, network)


@contextmanager
def enough_memory() -> Iterator[None]:
    """Raise an EngineError where memory ends; for calls that call nobody back.

    Examples
    --------
    >>> with enough_memory():
    ...     array = np.zeros(3)
    """
    try:
        yield
    except MemoryError:
        raise EngineError(NO_MEMORY) from None


class Figures(NamedTuple):
    """Room for what a run measures."""

    costs: npt.NDArray[np.float64]
    accuracies: npt.NDArray[np.float64]


def room_for(steps: int) -> Figures:
    """Return room for a cost and an accuracy of each step.

    Raises
    ------
    EngineError
        If memory does not hold so many.

    Examples
    --------
    >>> room_for(3).costs.shape
    (3,)
    """
    try:
        return Figures(np.empty(steps), np.empty(steps))
    except (MemoryError, ValueError, OverflowError):
        raise EngineError(
            f"There is not enough memory for the costs of {shown(steps)} steps; "
            "expected fewer iterations or batches."
        ) from None


def check_order(order: npt.ArrayLike | None, m: int) -> npt.NDArray[np.int64]:
    """Return the rows of an epoch in their order: all of them, unless told otherwise.

    Raises
    ------
    ShapeError
        If the order is not a list of at least one number from 0 to m - 1.

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
    """Raise a ShapeError unless x is one sample.

    Examples
    --------
    >>> check_sample(np.ones(3), features=3)
    """
    if x.shape != (features,):
        raise ShapeError(f"x has shape {x.shape}; expected ({features},), one sample.")


def weights(sample_weight: npt.ArrayLike, m: int) -> npt.NDArray[np.float64]:
    """Return the weights of m rows as numbers.

    Raises
    ------
    ShapeError
        If they are not m finite numbers of 0 or more, whose sum is positive and finite.

    Examples
    --------
    >>> weights([1, 3], m=2)
    array([1., 3.])
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


def check_moments(moments: Moments, network: Network) -> None:
    """Raise a ShapeError unless a rule can go on with these moments of such a network.

    Examples
    --------
    >>> from handgrad import Network
    >>> from handgrad.engines import Moments
    >>> network = Network.initial(features=2, hidden=3, classes=2)
    >>> check_moments(Moments(1, network.parameters, network.parameters), network)
    """
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
