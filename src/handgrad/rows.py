"""Rows of data, dense or sparse (CSR), and the scale of pixels."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import ShapeError

if TYPE_CHECKING:
    import numpy.typing as npt

PIXEL_SCALE = 1 / 255


def is_sparse(X: object) -> bool:
    """Tell whether X is one of SciPy's sparse arrays.

    Nothing is where SciPy was not imported, and it is not imported for the question.

    Examples
    --------
    >>> is_sparse([[0, 1]])
    False
    """
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(X))


def real_rows(X: npt.ArrayLike, features: int) -> Any:
    """Return X as an array, or as CSR where it is sparse: real numbers, a sample a row.

    Parameters
    ----------
    X : array or SciPy sparse array of shape (m, features)
    features : int

    Raises
    ------
    ShapeError
        If X is no such matrix.

    Examples
    --------
    >>> real_rows([[0, 1], [2, 3]], features=2).shape
    (2, 2)
    """
    rows: Any = X.tocsr() if is_sparse(X) else np.asarray(X)  # type: ignore[union-attr]
    if rows.ndim != 2 or rows.shape[1] != features:
        raise ShapeError(_shape_message(rows.shape, features))
    if rows.dtype.kind not in "buif":
        raise ShapeError(f"X holds {rows.dtype} values; expected real numbers.")
    return rows


def scaled_rows(rows: Any, dtype: np.dtype[Any]) -> Any:
    """Return the rows in that type, pixels (``uint8``) scaled by 1/255.

    Examples
    --------
    >>> scaled_rows(np.array([[0, 51]], dtype=np.uint8), np.dtype(np.float64))
    array([[0. , 0.2]])
    """
    if rows.dtype == np.uint8:
        scale = dtype.type(PIXEL_SCALE)
        return rows.astype(dtype) * scale if is_sparse(rows) else np.multiply(rows, scale)
    return rows.astype(dtype, copy=False)


def values_of(rows: Any) -> npt.NDArray[Any]:
    """Return the numbers of dense rows, or those that sparse rows store.

    Examples
    --------
    >>> values_of(np.eye(2)).max()
    np.float64(1.0)
    """
    values: npt.NDArray[Any] = rows.data if is_sparse(rows) else rows
    return values


def _shape_message(shape: tuple[int, ...], features: int) -> str:
    expected = f"expected (samples, {features}): samples are rows"
    if len(shape) == 2 and shape[0] == features:
        return f"X has shape {shape}, samples as columns; {expected}: hand over X.T."
    if shape == (features,):
        return f"X has shape {shape}; {expected}: hand over one sample as X[None, :]."
    return f"X has shape {shape}; {expected}."
