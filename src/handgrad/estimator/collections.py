"""Dask collections in the place of arrays: what stays on the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.estimator.rows import rows_like_those_of_fit
from handgrad.rows import Bytes

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.engines import Engine


def check_engine(engine: Engine) -> None:
    """Raise a ValueError unless an engine leaves Dask collections on the cluster."""
    if engine.name != "dask":
        raise ValueError(
            f"X is a Dask collection, which the {engine.name} engine would load into memory; "
            "expected engine='dask', or X.compute() if the rows fit into memory."
        )


def names_of(X: Any) -> list[str] | None:
    """Return the names of a data frame's columns; arrays have none."""
    return list(map(str, X.columns)) if hasattr(X, "columns") else None


def rows_to_predict(X: Any, *, pixels: bool, dtype: npt.DTypeLike) -> Any:
    """Return a collection as a Dask array whose chunks a network of that type can read.

    Bytes that are numbers become numbers of that type, because a plain chunk of bytes is pixels.
    """
    rows = X
    if hasattr(X, "columns"):
        is_bytes = all(column == np.uint8 for column in X.dtypes)
        rows = (X if is_bytes else X.astype(dtype)).to_dask_array()
    if rows.ndim != 2:
        raise ValueError(f"X is a Dask collection of {rows.ndim} dimensions; expected a matrix.")
    of_rows = rows.dtype if pixels or rows.dtype != np.uint8 else dtype
    return rows.map_blocks(
        _checked, of_rows, pixels=pixels, dtype=of_rows, meta=np.empty((0, 0), of_rows)
    )


def labels_of_classes(probabilities: Any, classes: npt.NDArray[Any]) -> Any:
    """Return the label of the largest probability of each row (F5), as a Dask array."""
    return probabilities.map_blocks(
        _labels, classes, drop_axis=1, dtype=classes.dtype, meta=np.empty(0, classes.dtype)
    )


def _checked(X: Any, of_rows: npt.DTypeLike, *, pixels: bool) -> Any:
    rows = rows_like_those_of_fit(X, pixels=pixels)
    return rows.values.astype(of_rows) if isinstance(rows, Bytes) else rows


def _labels(probabilities: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    labels: npt.NDArray[Any] = classes[probabilities.argmax(axis=1)]
    return labels
