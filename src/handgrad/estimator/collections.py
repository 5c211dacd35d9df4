"""Dask collections in the place of arrays: what stays on the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.estimator.rows import rows_like_those_of_fit
from handgrad.rows import Bytes

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.engines import Engine
    from handgrad.estimator.target_kinds import TargetKind


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


def predictions_of(outputs: Any, kind: TargetKind) -> Any:
    """Return what the outputs of each row predict, as a Dask array."""
    empty = kind.predictions(np.empty((0, outputs.shape[1])))
    dropped = [1] if empty.ndim == 1 else []
    return outputs.map_blocks(_predictions, kind, drop_axis=dropped, dtype=empty.dtype, meta=empty)


def _checked(X: Any, of_rows: npt.DTypeLike, *, pixels: bool) -> Any:
    rows = rows_like_those_of_fit(X, pixels=pixels)
    return rows.values.astype(of_rows) if isinstance(rows, Bytes) else rows


def _predictions(outputs: npt.NDArray[Any], kind: TargetKind) -> npt.NDArray[Any]:
    predictions: npt.NDArray[Any] = kind.predictions(outputs)
    return predictions
