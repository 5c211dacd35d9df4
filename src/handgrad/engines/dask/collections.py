"""Dask arrays and data frames as blocks: leaves that the cluster computes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.data.blocks import LEAF_ROWS, Blocks
from handgrad.data.targets import USUAL_LABEL, TargetColumns
from handgrad.engines.dask.targets import as_targets, first_pass, second_pass
from handgrad.errors import DataError
from handgrad.quoting import listed, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from distributed import Client

    from handgrad.data import Predicts
    from handgrad.data.dataset import Rows
    from handgrad.engines.dask.targets import FoundTargets
    from handgrad.targets import Targets


def is_collection(X: object) -> bool:
    """Tell whether X is a dask.array or a dask.dataframe, without an import of Dask."""
    return type(X).__module__.partition(".")[0] == "dask" and hasattr(X, "dask")


def blocks_of(
    client: Client,
    X: Any,
    y: Any = None,
    *,
    label: str | Sequence[str] | None = None,
    predicts: Predicts = "classes",
    leaf_rows: int = LEAF_ROWS,
) -> Blocks:
    """Return a collection as blocks; its targets are read to find classes, or to check numbers.

    Parameters
    ----------
    client : Client
    X : dask.array of shape (m, D), or dask.dataframe
    y : dask.array, dask Series, dask.dataframe or array of shape (m,) or (m, K), optional
        The targets, in chunks of any size.
    label : str or sequence of str, optional
        The name of the label column of a data frame, or of several columns; needed without y.
    predicts : {"classes", "labels", "values"}
        As in `handgrad.data.open_blocks`.
    leaf_rows : int

    Raises
    ------
    DataError
        If X is not a matrix of numbers, if a target is missing, or if X and y differ in length.
    """
    table = _table(X, y, label, predicts)
    lengths, found = first_pass(client, table.rows, table.targets, table.columns)
    reader = Collection(client, *_rechunked(table, lengths, found, leaf_rows), found.classes)
    counts, digests = second_pass(client, chunks_of(reader.targets), found.classes)
    is_of_classes = found.classes is not None
    return Blocks(
        reader,
        counts,
        np.zeros(0, np.intp) if found.classes is None else found.classes,
        features=len(table.names) if table.names else int(reader.rows.shape[1]),
        dtype=reader.rows.dtype,
        source="a Dask collection",
        targets_digest=_digest_of_targets(reader.rows, table.columns, found, digests),
        leaf_rows=leaf_rows,
        feature_names=table.names,
        pixels=table.names is None,  # bytes of a table are numbers
        predicts=predicts,
        columns=() if is_of_classes else table.columns.names,
    )


def chunks_of(array: Any) -> list[Any]:
    """Return the chunks of a Dask array, each as what `dask.delayed` returns.

    No tasks are fused: Dask would give the key of one task to different ones, depending on what is
    asked for together, and the scheduler confuses them.
    """
    return list(array.to_delayed(optimize_graph=False).ravel())


@dataclass(frozen=True, eq=False)
class Collection:
    """Rows and targets as Dask arrays, in chunks of one leaf each."""

    client: Client
    rows: Any
    targets: Any
    classes: npt.NDArray[Any] | None
    """The distinct labels, sorted; None with labels and values."""

    @property
    def in_processes(self) -> bool:
        """No: the cluster has processes of its own."""
        return False

    def read(self, leaf: int) -> tuple[Rows, Targets]:
        """Let the cluster compute a leaf; see `handgrad.data.blocks.readers.LeafReader`."""
        X, y = self.client.compute([chunks_of(a)[leaf] for a in (self.rows, self.targets)])
        return X.result(), as_targets(y.result(), self.classes)

    def __reduce__(self) -> Any:
        raise TypeError("Dask computes these rows: they cannot be pickled.")


class _Table(NamedTuple):
    """The partitions of rows, and those of targets, which may be cut elsewhere."""

    rows: Sequence[Any]
    targets: Sequence[Any]
    dtype: np.dtype[Any]
    features: int
    names: tuple[str, ...] | None
    columns: TargetColumns


def _table(X: Any, y: Any, label: str | Sequence[str] | None, predicts: Predicts) -> _Table:
    columns = TargetColumns.of(USUAL_LABEL if label is None else label, predicts)
    if hasattr(X, "columns"):
        return _of_frame(X, y, columns, has_label=label is not None)
    return _of_array(X, y, columns)


def _of_array(X: Any, y: Any, columns: TargetColumns) -> _Table:
    if X.ndim != 2:
        raise DataError(f"X is a Dask array of {X.ndim} dimensions; expected a matrix.")
    if y is None:
        raise DataError(
            "X is a Dask array and y is missing; expected a label, or values, for each row."
        )
    dtype = _number_type([X.dtype], ["X"])
    rows = X.rechunk({1: -1}) if X.numblocks[1] > 1 else X
    parts, columns = _parts_of(y, columns)
    return _Table(chunks_of(rows), parts, dtype, int(X.shape[1]), None, columns)


def _of_frame(X: Any, y: Any, columns: TargetColumns, *, has_label: bool) -> _Table:
    known = [str(name) for name in X.columns]
    missing = [name for name in columns.names if name not in known]
    if has_label and missing:
        raise DataError(
            f"The data frame has no column {quoted(missing[0])}; it has {listed(known, 5)}."
        )
    if has_label == (y is not None):
        raise DataError("A Dask data frame needs labels: either y, or label= with a column.")
    names = [name for name in X.columns if not (has_label and str(name) in columns.names)]
    dtype = _number_type(list(X[names].dtypes), names)
    from dask import delayed

    as_numbers = delayed(_numbers, pure=True)
    rows = [as_numbers(part, names, dtype) for part in X.to_delayed()]
    if y is None:
        y = _columns_of(X, columns)
    parts, columns = _parts_of(y, columns)
    return _Table(rows, parts, dtype, len(names), tuple(map(str, names)), columns)


def _columns_of(X: Any, columns: TargetColumns) -> Any:
    """Return the columns of targets as a data frame, or that of classes as a Series."""
    by_text = {str(name): name for name in X.columns}
    names = [by_text[name] for name in columns.names]
    return X[names[0]] if columns.predicts == "classes" else X[names]


def _parts_of(y: Any, columns: TargetColumns) -> tuple[list[Any], TargetColumns]:
    """Return targets as partitions, and what they are called."""
    if columns.predicts == "classes":
        return _label_parts(y), columns
    y = y if is_collection(y) else np.asarray(y)
    is_frame = hasattr(y, "columns") and y.ndim == 2
    _number_type(list(y.dtypes) if is_frame else [y.dtype], y.columns if is_frame else ["y"])
    if y.ndim > 2:
        raise DataError(f"y has {y.ndim} dimensions; expected one row per row of X.")
    outputs = int(y.shape[1]) if y.ndim == 2 else 1
    if hasattr(y, "columns"):
        columns = columns._replace(names=tuple(map(str, y.columns)))
        columns.check_number(outputs, "y")
    else:
        columns = columns._replace(names=columns.names_of("y", outputs))
    from dask import delayed

    return [delayed(_matrix, pure=True)(part) for part in _partitions(y)], columns


def _label_parts(y: Any) -> list[Any]:
    from dask import delayed

    y = y if is_collection(y) else np.asarray(y)
    if y.ndim != 1:
        raise DataError(f"y has {y.ndim} dimensions; expected one label per row.")
    return [delayed(np.asarray, pure=True)(part) for part in _partitions(y)]


def _partitions(y: Any) -> list[Any]:
    """Return a vector, a matrix or a data frame as partitions of whole rows."""
    from dask import delayed

    if not is_collection(y):
        return [delayed(y)]
    if hasattr(y, "divisions"):
        parts: list[Any] = y.to_delayed()
        return parts
    return chunks_of(y.rechunk({1: -1}) if y.ndim == 2 and y.numblocks[1] > 1 else y)


def _matrix(part: Any) -> npt.NDArray[np.float64]:
    """Return a partition of labels or values as a matrix."""
    numbers = np.asarray(part, dtype=np.float64)
    return numbers[:, None] if numbers.ndim == 1 else numbers


def _numpy_type(dtype: Any) -> np.dtype[Any]:
    return dtype if isinstance(dtype, np.dtype) else np.dtype(object)


def _number_type(dtypes: Sequence[Any], names: Sequence[Any]) -> np.dtype[Any]:
    """Return the type of the rows: that of bytes, or a floating one that holds all numbers."""
    for dtype, name in zip(dtypes, names, strict=True):
        if _numpy_type(dtype).kind not in "buif":
            raise DataError(
                f"The column {quoted(str(name))} holds {dtype}; expected numbers: encode it first, "
                "or leave it out."
            )
    common = np.result_type(*(_numpy_type(dtype) for dtype in dtypes))
    if common == np.uint8:
        return common
    is_single = np.can_cast(common, np.float32)
    return np.dtype(np.float32 if is_single else np.float64)


def _numbers(part: Any, names: Sequence[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return columns of a partition as a matrix of numbers."""
    return np.ascontiguousarray(part[list(names)].to_numpy(dtype=dtype))


def _rechunked(
    table: _Table, lengths: list[int], found: FoundTargets, leaf_rows: int
) -> tuple[Any, Any]:
    """Return rows and targets as arrays whose chunks are the leaves."""
    m, labelled = sum(lengths), sum(found.rows)
    if m != labelled:
        raise DataError(f"X has {m:,} rows and y has {labelled:,}; expected the same number.")
    if m == 0:
        raise DataError("The Dask collection holds no rows; expected at least one.")
    rows = _joined(table.rows, lengths, (table.features,), table.dtype)
    shape = () if found.classes is not None else (len(table.columns.names),)
    targets = _joined(table.targets, found.rows, shape, found.dtype)
    return rows.rechunk({0: leaf_rows}), targets.rechunk({0: leaf_rows})


def _joined(
    parts: Sequence[Any], lengths: Sequence[int], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Any:
    import dask.array as da
    from dask import delayed

    cast = delayed(_cast, pure=True)
    return da.concatenate(
        [
            da.from_delayed(cast(part, dtype), (length, *shape), dtype=dtype)
            for part, length in zip(parts, lengths, strict=True)
            if length
        ]
    )


def _cast(part: Any, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(part, dtype=dtype)


def _digest_of_targets(
    rows: Any, columns: TargetColumns, found: FoundTargets, digests: list[bytes]
) -> str:
    """Return a digest of all targets in their order, and of the shape of the rows."""
    if found.classes is None:
        what: Any = columns.predicts, len(columns.names)
    else:
        what = found.classes.tolist()
    head = f"{rows.shape} {rows.dtype} {what}".encode()
    return hashlib.sha256(b"".join([head, *digests])).hexdigest()
