"""The targets that a network is trained on: numbers of classes, several labels, or values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from handgrad.errors import ShapeError
from handgrad.rows import as_array

if TYPE_CHECKING:
    from handgrad.layers import Matrix

Labels: TypeAlias = npt.NDArray[np.integer[Any]]
Targets: TypeAlias = npt.NDArray[Any]


def check_classes(y: npt.ArrayLike, m: int, classes: int) -> Labels:
    """Return y as m integer labels, each the number of a class, or raise a ShapeError."""
    labels = as_array("y", y)
    if labels.ndim == 2 and labels.shape[1] == classes:
        raise ShapeError(
            f"y has shape {labels.shape}, which looks one-hot; "
            "expected integer labels: pass y.argmax(axis=1)."
        )
    if labels.shape != (m,):
        raise ShapeError(f"y has shape {labels.shape}; expected ({m},), one label per row of X.")
    _check_not_empty(m)
    if labels.dtype.kind not in "ui":
        raise ShapeError(
            f"y holds {labels.dtype} values; expected integers from 0 to {classes - 1}."
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ShapeError(
            f"y holds labels from {labels.min()} to {labels.max()}; "
            f"expected integers from 0 to {classes - 1}, one per class of the network."
        )
    return labels


def check_labels(y: npt.ArrayLike, m: int, labels: int, dtype: np.dtype[Any]) -> Matrix:
    """Return y as a matrix (m, labels) of 0 and 1, or raise a ShapeError."""
    given = _matrix(y, m, labels, dtype, "label")
    if not ((given == 0) | (given == 1)).all():
        raise ShapeError(
            "y holds other numbers than 0 and 1; expected 1 where a sample has a label."
        )
    return given


def check_values(
    y: npt.ArrayLike, m: int, values: int, dtype: np.dtype[Any], least: float
) -> Matrix:
    """Return y as a matrix (m, values) of finite numbers, or raise a ShapeError.

    One value per sample may come as a vector.
    """
    given = _matrix(y, m, values, dtype, "value")
    if not np.isfinite(given).all():
        raise ShapeError(f"y holds values that are not finite in {dtype}; expected finite numbers.")
    if given.min() < least:
        raise ShapeError(f"y holds {given.min():g}; expected values of {least:g} or more.")
    return given


def _matrix(y: npt.ArrayLike, m: int, columns: int, dtype: np.dtype[Any], what: str) -> Matrix:
    given = as_array("y", y)
    if given.shape == (m,) and columns == 1:
        given = given[:, None]
    if given.shape != (m, columns):
        raise ShapeError(
            f"y has shape {given.shape}; expected ({m}, {columns}), one row per row of X and one "
            f"column per {what}."
        )
    _check_not_empty(m)
    if given.dtype.kind not in "buif":
        raise ShapeError(f"y holds {given.dtype} values; expected numbers.")
    with np.errstate(over="ignore"):  # to infinity, which is refused
        matrix: Matrix = np.ascontiguousarray(given, dtype=dtype)
    return matrix


def _check_not_empty(m: int) -> None:
    if m == 0:
        raise ShapeError("X and y hold no samples; expected at least one.")
