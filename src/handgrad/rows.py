"""Rows of data, dense or sparse (CSR), and the scale of their bytes."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arguments import real_number
from handgrad.errors import ShapeError
from handgrad.quoting import named, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

PIXEL_SCALE = 1 / 255


@dataclass(frozen=True, eq=False)
class Bytes:
    """``uint8`` rows with the scale that multiplies each byte where it is used.

    Plain ``uint8`` arrays are pixels, whose scale is 1/255. Bytes that are ordinary numbers are
    passed as ``Bytes(rows)``. Neither is copied.

    Parameters
    ----------
    values : uint8 array, or SciPy sparse array, of shape (m, D)
        Samples as rows.
    scale : float
        1 if the bytes are ordinary numbers.

    Raises
    ------
    ShapeError
        If the values are not ``uint8``, or the scale is not a finite number.

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
        if not math.isfinite(real_number(self.scale)):
            raise ShapeError(f"scale is {shown(self.scale)}; expected a finite number.")

    @property
    def shape(self) -> tuple[int, ...]:
        """(m, D)."""
        shape: tuple[int, ...] = self.values.shape
        return shape

    @property
    def ndim(self) -> int:
        """2 if the values are rows."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8."""
        return np.dtype(np.uint8)

    def __getitem__(self, rows: Any) -> Bytes:
        return Bytes(self.values[rows], self.scale)


def bytes_unless_pixels(X: Any, *, pixels: bool) -> Any:
    """Return ``uint8`` rows as `Bytes` if they are ordinary numbers; other rows are unchanged.

    Examples
    --------
    >>> numbers = np.array([[0, 51]], dtype=np.uint8)
    >>> type(bytes_unless_pixels(numbers, pixels=False)).__name__
    'Bytes'
    """
    return Bytes(X) if X.dtype == np.uint8 and not pixels else X


def is_sparse(X: object) -> bool:
    """Tell whether X is a sparse array of SciPy, without importing SciPy.

    If SciPy has not been imported, X cannot be one.
    """
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(X))


def as_array(name: str, value: Any) -> npt.NDArray[Any]:
    """Return an argument as an array, or raise a ShapeError if NumPy cannot convert it."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ShapeError(f"{name} holds masked values; expected a value in every place.")
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise ShapeError(
            f"{name} is {shown(value)}, which NumPy cannot read as an array; "
            "expected rows or lists of one length."
        ) from None


def real_rows(X: npt.ArrayLike | Bytes, features: int) -> Any:
    """Return X as an array, or as CSR if it is sparse: real numbers, one sample per row."""
    if isinstance(X, Bytes):
        return Bytes(real_rows(X.values, features), X.scale)
    rows = _csr(X) if is_sparse(X) else as_array("X", X)
    if rows.ndim != 2 or rows.shape[1] != features:
        raise ShapeError(_shape_message(rows.shape, features))
    if rows.dtype.kind not in "buif":
        raise ShapeError(f"X holds {rows.dtype} values; expected real numbers.")
    return rows


def _csr(X: Any) -> Any:
    try:
        return X.tocsr()
    except (TypeError, ValueError, IndexError) as error:
        raise damaged_sparse(str(error)) from None


def csr_parts(X: Any) -> list[npt.NDArray[Any]]:
    """Return indptr, indices and data of a CSR matrix, as vectors of numbers.

    Their values are not checked. Unsigned indices of 32 or 64 bits become int64; those that do not
    fit become negative.
    """
    parts = []
    for name, kinds in (("indptr", "iu"), ("indices", "iu"), ("data", "buif")):
        part = as_array(name, getattr(X, name))
        if part.ndim != 1 or part.dtype.kind not in kinds:
            raise damaged_sparse(f"its {name} holds {part.dtype} values in shape {part.shape}")
        if name != "data" and part.dtype in (np.uint32, np.uint64):
            part = part.astype(np.int64)
        parts.append(part)
    return parts


def own_indices(rows: Any) -> Any:
    """Return dense rows unchanged, and sparse rows as a copy whose indices are checked.

    SciPy's products do not check indices, and the caller may change the rows at any time.
    """
    if isinstance(rows, Bytes):
        return Bytes(own_indices(rows.values), rows.scale)
    if not is_sparse(rows):
        return rows
    indptr, indices, data = (part.copy() for part in csr_parts(rows))
    m, features = rows.shape
    if len(indptr) != m + 1:
        raise damaged_sparse("its indptr does not belong to its number of rows")
    if indptr[0] != 0:
        raise damaged_sparse("its indptr does not begin with 0")
    if indptr[-1] > min(len(indices), len(data)):
        raise damaged_sparse("its indptr points outside its indices")
    if (indptr[1:] < indptr[:-1]).any():
        raise damaged_sparse("its indptr decreases")
    indices, data = indices[: int(indptr[-1])], data[: int(indptr[-1])]
    if len(indices) and not (indices.min() >= 0 and indices.max() < features):
        raise damaged_sparse("it has a column index outside its columns")
    return type(rows)((data, indices, indptr), shape=rows.shape)


def damaged_sparse(found: str) -> ShapeError:
    """Return the error for an invalid sparse matrix."""
    return ShapeError(f"X is a damaged sparse matrix: {named(found)}; expected valid CSR.")


def scaled_rows(rows: Any, dtype: np.dtype[Any]) -> Any:
    """Return the rows in a floating type; bytes are scaled, plain ``uint8`` rows by 1/255.

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
    with np.errstate(over="ignore"):  # an overflow gives infinity, which engines refuse
        return rows.astype(dtype, copy=False)


def stacked(
    parts: Iterable[Any], m: int, empty: Callable[[tuple[int, ...], np.dtype[Any]], Any] = np.empty
) -> Any:
    """Return rows of one type, m in all, as one block of rows.

    Dense rows are copied one part after another into what ``empty`` returns, so no more than one
    part needs to be in memory.

    Examples
    --------
    >>> stacked([np.zeros((2, 3)), np.ones((1, 3))], m=3).shape
    (3, 3)
    """
    rest = iter(parts)
    first = next(rest)
    if is_sparse(first):
        from scipy.sparse import vstack

        return vstack([first, *rest], format="csr")
    numbers = values_of(first)
    if len(numbers) == m:
        return first
    whole, start = empty((m, *numbers.shape[1:]), numbers.dtype), 0
    for part in chain([first], rest):
        numbers = values_of(part)
        whole[start : start + len(numbers)] = numbers
        start += len(numbers)
    return Bytes(whole, first.scale) if isinstance(first, Bytes) else whole


def values_of(rows: Any) -> npt.NDArray[Any]:
    """Return the numbers of dense rows, or the stored numbers of sparse rows."""
    values: Any = rows.values if isinstance(rows, Bytes) else rows
    numbers: npt.NDArray[Any] = values.data if is_sparse(values) else values
    return numbers


def _shape_message(shape: tuple[int, ...], features: int) -> str:
    expected = f"expected (samples, {features}): samples are rows"
    if len(shape) == 2 and shape[0] == features:
        return f"X has shape {shape}, samples as columns; {expected}: pass X.T."
    if shape == (features,):
        return f"X has shape {shape}; {expected}: pass one sample as X[None, :]."
    return f"X has shape {shape}; {expected}."
