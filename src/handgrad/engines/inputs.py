"""What every engine checks before it computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import EngineError, ShapeError

if TYPE_CHECKING:
    import numpy.typing as npt

NOT_FINITE = "X holds NaN or infinite values; expected finite numbers."


def check_iterations(iterations: int) -> None:
    """Raise an EngineError where a run would take less than no steps.

    Examples
    --------
    >>> check_iterations(0)
    """
    if iterations < 0:
        raise EngineError(f"iterations is {iterations}; expected 0 or more.")


def check_batch_size(batch_size: int) -> None:
    """Raise an EngineError where a batch would hold nothing.

    Examples
    --------
    >>> check_batch_size(32)
    """
    if batch_size < 1:
        raise EngineError(f"batch_size is {batch_size}; expected 1 or more.")


def check_alpha(alpha: float) -> None:
    """Raise an EngineError where weights would be asked to grow.

    Examples
    --------
    >>> check_alpha(1e-4)
    """
    if not (np.isfinite(alpha) and alpha >= 0):
        raise EngineError(f"alpha is {alpha}; expected a number of 0 or more.")


def check_order(order: npt.ArrayLike | None, m: int) -> npt.NDArray[np.int64]:
    """Return the rows of an epoch in their order: all of them, unless told otherwise.

    Raises
    ------
    ShapeError
        If the order is no list of at least one number from 0 to m - 1.

    Examples
    --------
    >>> check_order([2, 0], m=3), check_order(None, m=2)
    (array([2, 0]), array([0, 1]))
    """
    if order is None:
        return np.arange(m, dtype=np.int64)
    rows = np.asarray(order)
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
        If they are not m finite numbers of 0 or more with a positive sum.

    Examples
    --------
    >>> weights([1, 3], m=2)
    array([1., 3.])
    """
    values = np.asarray(sample_weight, dtype=np.float64)
    if values.shape != (m,):
        raise ShapeError(
            f"sample_weight has shape {values.shape}; expected ({m},), one weight a row of X."
        )
    if not np.isfinite(values).all() or values.min() < 0 or values.sum() <= 0:
        raise ShapeError(
            "sample_weight holds a negative or infinite weight, or only zeros; "
            "expected weights of 0 or more, with a positive sum."
        )
    return values


def total(sample_weight: npt.ArrayLike | None, m: int) -> float:
    """Return the sum of the weights of m rows, which are 1 each by default.

    Examples
    --------
    >>> total([1, 3], m=2), total(None, m=2)
    (4.0, 2.0)
    """
    return float(m if sample_weight is None else weights(sample_weight, m).sum())


def shares(sample_weight: npt.ArrayLike | None, m: int) -> npt.NDArray[np.float64]:
    """Return each row's share of the cost: 1/m, or its weight over the sum of weights.

    Examples
    --------
    >>> shares([1, 3], m=2)
    array([0.25, 0.75])
    """
    if sample_weight is None:
        return np.full(m, 1 / m)
    values = weights(sample_weight, m)
    result: npt.NDArray[np.float64] = values / values.sum()
    return result
