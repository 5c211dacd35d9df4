"""Rows of data, dense or sparse (CSR), and what their bytes are multiplied with."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import ShapeError

if TYPE_CHECKING:
    import numpy.typing as npt

PIXEL_SCALE = 1 / 255


@dataclass(frozen=True, eq=False)
class Bytes:
    """``uint8`` rows together with what each byte is multiplied with where it is used.

    Bare ``uint8`` rows are pixels, whose scale is 1/255. Bytes that are numbers like any others
    come as ``Bytes(rows)``. Neither is copied.

    Parameters
    ----------
    values : uint8 array, or SciPy sparse array, of shape (m, D)
        Samples as rows.
    scale : float
        1 where the bytes are numbers.

    Raises
    ------
    ShapeError
        If the values are not ``uint8``.

    Examples
    --------
    >>> counts = Bytes(np.array([[0, 51], [2, 3]], dtype=np.uint8))
    >>> scaled_rows(counts, np.dtype(np.float64))
    array([[ 0., 51.],
           [ 2.,  3.]])
    >>> counts[1:].shape
    (1, 2)
    """

    values: Any
    scale: float = 1.0

    def __post_init__(self) -> None:
        if getattr(self.values, "dtype", None) != np.uint8:
            found = getattr(self.values, "dtype", type(self.values).__name__)
            raise ShapeError(f"Bytes holds {found} values; expected uint8.")

    @property
    def shape(self) -> tuple[int, ...]:
        """(m, D)."""
        shape: tuple[int, ...] = self.values.shape
        return shape

    @property
    def ndim(self) -> int:
        """2, where the values are rows."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8."""
        return np.dtype(np.uint8)

    def __getitem__(self, rows: Any) -> Bytes:
        return Bytes(self.values[rows], self.scale)


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


def real_rows(X: npt.ArrayLike | Bytes, features: int) -> Any:
    """Return X as an array, or as CSR where it is sparse: real numbers, a sample a row.

    Parameters
    ----------
    X : array, SciPy sparse array or Bytes of shape (m, features)
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
    if isinstance(X, Bytes):
        return Bytes(real_rows(X.values, features), X.scale)
    rows: Any = X.tocsr() if is_sparse(X) else np.asarray(X)  # type: ignore[union-attr]
    if rows.ndim != 2 or rows.shape[1] != features:
        raise ShapeError(_shape_message(rows.shape, features))
    if rows.dtype.kind not in "buif":
        raise ShapeError(f"X holds {rows.dtype} values; expected real numbers.")
    return rows


def scaled_rows(rows: Any, dtype: np.dtype[Any]) -> Any:
    """Return the rows in that type; bytes are scaled, as pixels by 1/255 where they come bare.

    Examples
    --------
    >>> scaled_rows(np.array([[0, 51]], dtype=np.uint8), np.dtype(np.float64))
    array([[0. , 0.2]])
    """
    if isinstance(rows, Bytes):
        values, scale = rows.values, dtype.type(rows.scale)
        return values.astype(dtype) * scale if is_sparse(values) else np.multiply(values, scale)
    if rows.dtype == np.uint8:
        return scaled_rows(Bytes(rows, PIXEL_SCALE), dtype)
    return rows.astype(dtype, copy=False)


def values_of(rows: Any) -> npt.NDArray[Any]:
    """Return the numbers of dense rows, or those that sparse rows store.

    Examples
    --------
    >>> values_of(np.eye(2)).max()
    np.float64(1.0)
    """
    values: Any = rows.values if isinstance(rows, Bytes) else rows
    numbers: npt.NDArray[Any] = values.data if is_sparse(values) else values
    return numbers


def _shape_message(shape: tuple[int, ...], features: int) -> str:
    expected = f"expected (samples, {features}): samples are rows"
    if len(shape) == 2 and shape[0] == features:
        return f"X has shape {shape}, samples as columns; {expected}: hand over X.T."
    if shape == (features,):
        return f"X has shape {shape}; {expected}: hand over one sample as X[None, :]."
    return f"X has shape {shape}; {expected}."
