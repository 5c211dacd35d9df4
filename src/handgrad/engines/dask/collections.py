"""Dask arrays and data frames as blocks: leaves that the cluster computes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.data.blocks import LEAF_ROWS, Blocks
from handgrad.errors import DataError
from handgrad.quoting import listed, quoted, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from distributed import Client

    from handgrad.data.dataset import Rows


def is_collection(X: object) -> bool:
    """Tell whether X is a dask.array or a dask.dataframe, without an import of Dask."""
    return type(X).__module__.partition(".")[0] == "dask" and hasattr(X, "dask")


def blocks_of(
    client: Client,
    X: Any,
    y: Any = None,
    *,
    label: str | None = None,
    leaf_rows: int = LEAF_ROWS,
) -> Blocks:
    """Return a collection as blocks; its labels are read to find the classes, and to count them.

    Parameters
    ----------
    client : Client
    X : dask.array of shape (m, D), or dask.dataframe
    y : dask.array, dask Series or array of shape (m,), optional
        The labels, in chunks of any size.
    label : str, optional
        The name of the label column of a data frame; needed without y.
    leaf_rows : int

    Raises
    ------
    DataError
        If X is not a matrix of numbers, if a label is missing, or if X and y differ in length.
    """
    table = _table(X, y, label)
    lengths, found = _first_pass(client, table)
    _check_labels(found)
    classes = np.unique(np.concatenate([chunk.classes for chunk in found]))
    reader = Collection(client, *_rechunked(table, lengths, found, leaf_rows), classes)
    counts, digests = _second_pass(client, reader.labels, classes)
    return Blocks(
        reader,
        counts,
        classes,
        features=len(table.names) if table.names else int(reader.rows.shape[1]),
        dtype=reader.rows.dtype,
        source="a Dask collection",
        labels_digest=_digest_of_labels(reader.rows, classes, digests),
        leaf_rows=leaf_rows,
        feature_names=table.names,
        pixels=table.names is None,  # bytes of a table are numbers
    )


def chunks_of(array: Any) -> list[Any]:
    """Return the chunks of a Dask array, each as what `dask.delayed` returns.

    No tasks are fused: Dask would give the key of one task to different ones, depending on what is
    asked for together, and the scheduler confuses them.
    """
    return list(array.to_delayed(optimize_graph=False).ravel())


@dataclass(frozen=True, eq=False)
class Collection:
    """Rows and labels as Dask arrays, in chunks of one leaf each."""

    client: Client
    rows: Any
    labels: Any
    classes: npt.NDArray[Any]

    @property
    def in_processes(self) -> bool:
        """No: the cluster has processes of its own."""
        return False

    def read(self, leaf: int) -> tuple[Rows, npt.NDArray[Any]]:
        """Let the cluster compute a leaf; see `handgrad.data.blocks.readers.LeafReader`."""
        rows, labels = self.client.compute([chunks_of(a)[leaf] for a in (self.rows, self.labels)])
        return rows.result(), np.searchsorted(self.classes, labels.result())

    def __reduce__(self) -> Any:
        raise TypeError("Dask computes these rows: they cannot be pickled.")


class _Table(NamedTuple):
    """The partitions of rows, and those of labels, which may be cut elsewhere."""

    rows: Sequence[Any]
    labels: Sequence[Any]
    dtype: np.dtype[Any]
    features: int
    names: tuple[str, ...] | None
    label_type: np.dtype[Any]


class _Labels(NamedTuple):
    """What the first pass finds in a partition of labels."""

    rows: int
    classes: npt.NDArray[Any]
    missing: int


def _table(X: Any, y: Any, label: str | None) -> _Table:
    if hasattr(X, "columns"):
        return _of_frame(X, y, label)
    return _of_array(X, y)


def _of_array(X: Any, y: Any) -> _Table:
    if X.ndim != 2:
        raise DataError(f"X is a Dask array of {X.ndim} dimensions; expected a matrix.")
    if y is None:
        raise DataError("X is a Dask array and y is missing; expected one label per row.")
    dtype = _number_type([X.dtype], ["X"])
    rows = X.rechunk({1: -1}) if X.numblocks[1] > 1 else X
    labels, label_type = _label_parts(y)
    return _Table(chunks_of(rows), labels, dtype, int(X.shape[1]), None, label_type)


def _of_frame(X: Any, y: Any, label: str | None) -> _Table:
    columns = [str(name) for name in X.columns]
    if label is not None and label not in columns:
        raise DataError(
            f"The data frame has no column {quoted(label)}; it has {listed(columns, 5)}."
        )
    if (label is None) == (y is None):
        raise DataError("A Dask data frame needs labels: either y, or label= with a column.")
    names = [name for name in X.columns if str(name) != label]
    dtype = _number_type(list(X[names].dtypes), names)
    from dask import delayed

    parts = X.to_delayed()
    as_numbers = delayed(_numbers, pure=True)
    rows = [as_numbers(part, names, dtype) for part in parts]
    if y is None:
        as_labels = delayed(_column, pure=True)
        column = next(name for name in X.columns if str(name) == label)
        labels, label_type = [as_labels(part, column) for part in parts], X[column].dtype
    else:
        labels, label_type = _label_parts(y)
    return _Table(rows, labels, dtype, len(names), tuple(map(str, names)), _numpy_type(label_type))


def _label_parts(y: Any) -> tuple[list[Any], np.dtype[Any]]:
    """Return labels as partitions, and their type."""
    from dask import delayed

    if not is_collection(y):
        labels = np.asarray(y)
        _check_column(labels)
        return [delayed(labels)], labels.dtype
    _check_column(y)
    parts = y.to_delayed() if hasattr(y, "divisions") else chunks_of(y)
    return [delayed(np.asarray, pure=True)(part) for part in parts], _numpy_type(y.dtype)


def _check_column(y: Any) -> None:
    if y.ndim != 1:
        raise DataError(f"y has {y.ndim} dimensions; expected one label per row.")


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


def _column(part: Any, name: Any) -> npt.NDArray[Any]:
    return np.asarray(part[name])


def _first_pass(client: Client, table: _Table) -> tuple[list[int], list[_Labels]]:
    """Count the rows of each partition, and find the labels of each."""
    from dask import delayed

    lengths = [delayed(len)(part) for part in table.rows]
    found = [delayed(_labels_in)(part) for part in table.labels]
    results = client.gather(client.compute([*lengths, *found]))
    return results[: len(lengths)], results[len(lengths) :]


def _labels_in(labels: npt.NDArray[Any]) -> _Labels:
    from pandas import isna

    missing = isna(labels)
    return _Labels(len(labels), _distinct(labels[~missing]), int(missing.sum()))


def _distinct(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    try:
        return np.unique(labels)
    except TypeError:  # numbers and texts have no order
        return np.array(list(dict.fromkeys(labels.tolist())), dtype=object)


def _check_labels(found: Sequence[_Labels]) -> None:
    missing = sum(chunk.missing for chunk in found)
    if missing:
        raise DataError(f"{missing:,} rows have no label; expected one per row.")
    kinds = {_kind_of(value) for chunk in found for value in chunk.classes.tolist()}
    if len(kinds) > 1:
        raise DataError(
            "The labels are numbers in some rows and texts in others; expected labels of one kind."
        )


def _kind_of(label: object) -> str:
    """Return whether a label is a text or a number, or raise a DataError if it is neither."""
    if isinstance(label, str):
        return "text"
    if not isinstance(label, bool | int | float) or label != label // 1:
        raise DataError(
            f"The Dask collection holds the label {shown(label)}; expected whole numbers or texts."
        )
    return "number"


def _rechunked(
    table: _Table, lengths: list[int], found: Sequence[_Labels], leaf_rows: int
) -> tuple[Any, Any]:
    """Return rows and labels as arrays whose chunks are the leaves."""
    m, labelled = sum(lengths), sum(chunk.rows for chunk in found)
    if m != labelled:
        raise DataError(f"X has {m:,} rows and y has {labelled:,}; expected one label per row.")
    if m == 0:
        raise DataError("The Dask collection holds no rows; expected at least one.")
    label_type = np.result_type(*(chunk.classes for chunk in found if chunk.rows))
    rows = _joined(table.rows, lengths, (table.features,), table.dtype)
    labels = _joined(table.labels, [chunk.rows for chunk in found], (), label_type)
    return rows.rechunk({0: leaf_rows}), labels.rechunk({0: leaf_rows})


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


def _second_pass(
    client: Client, labels: Any, classes: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.int64], list[bytes]]:
    """Count the classes in each leaf, and take a digest of its labels."""
    from dask import delayed

    leaves = chunks_of(labels)
    found = client.gather(client.compute([delayed(_counted)(leaf, classes) for leaf in leaves]))
    counts, digests = zip(*found, strict=True)
    return np.array(counts), list(digests)


def _counted(
    labels: npt.NDArray[Any], classes: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.int64], bytes]:
    codes = np.searchsorted(classes, labels).astype(np.int64)
    return np.bincount(codes, minlength=len(classes)), hashlib.sha256(codes.tobytes()).digest()


def _digest_of_labels(rows: Any, classes: npt.NDArray[Any], digests: list[bytes]) -> str:
    """Return a digest of all labels in their order, and of the shape of the rows."""
    head = f"{rows.shape} {rows.dtype} {classes.tolist()}".encode()
    return hashlib.sha256(b"".join([head, *digests])).hexdigest()
