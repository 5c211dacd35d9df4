"""Passes over the targets of Dask collections: classes are found and counted, numbers checked."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.data.targets import OR_VALUES
from handgrad.errors import DataError
from handgrad.quoting import quoted, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from distributed import Client

    from handgrad.data.targets import TargetColumns
    from handgrad.targets import Targets


class FoundTargets(NamedTuple):
    """What a pass over all partitions of targets finds."""

    rows: list[int]
    """The rows of each partition."""
    classes: npt.NDArray[Any] | None
    """The distinct labels, sorted; None with labels and values."""
    dtype: np.dtype[Any]
    """A type that holds the targets of all partitions."""


class _Labels(NamedTuple):
    """What is found in a partition of classes."""

    rows: int
    classes: npt.NDArray[Any]
    missing: int


class _Numbers(NamedTuple):
    """What is found in a partition of labels or values."""

    rows: int
    fault: tuple[int, int, float] | None
    """The row and the column of the first number that is refused, and that number."""


def first_pass(
    client: Client, rows: Sequence[Any], targets: Sequence[Any], columns: TargetColumns
) -> tuple[list[int], FoundTargets]:
    """Count the rows of each partition, and find the classes, or check labels and values."""
    from dask import delayed

    lengths = [delayed(len)(part) for part in rows]
    if columns.predicts == "classes":
        passes = [delayed(_labels_in)(part) for part in targets]
    else:
        passes = [delayed(_numbers_in)(part, columns) for part in targets]
    results = client.gather(client.compute([*lengths, *passes]))
    counts, found = results[: len(rows)], results[len(rows) :]
    rows_of_targets = [part.rows for part in found]
    if columns.predicts != "classes":
        _check_numbers(found, columns)
        return counts, FoundTargets(rows_of_targets, None, np.dtype(np.float64))
    _check_labels(found)
    classes = np.unique(np.concatenate([part.classes for part in found]))
    kinds = [part.classes for part in found if part.rows]
    dtype = np.result_type(*kinds) if kinds else classes.dtype
    return counts, FoundTargets(rows_of_targets, classes, dtype)


def second_pass(
    client: Client, leaves: Sequence[Any], classes: npt.NDArray[Any] | None
) -> tuple[npt.NDArray[np.int64], list[bytes]]:
    """Count the rows of each class in each leaf, and take a digest of its targets.

    Without classes, all rows are counted in one column.
    """
    from dask import delayed

    found = client.gather(client.compute([delayed(_counted)(leaf, classes) for leaf in leaves]))
    counts, digests = zip(*found, strict=True)
    return np.array(counts), list(digests)


def as_targets(found: npt.NDArray[Any], classes: npt.NDArray[Any] | None) -> Targets:
    """Return the number of each row's class; labels and values stay as they are."""
    return found if classes is None else np.searchsorted(classes, found)


def _counted(
    found: npt.NDArray[Any], classes: npt.NDArray[Any] | None
) -> tuple[npt.NDArray[np.int64], bytes]:
    targets = as_targets(found, classes)
    if classes is None:
        counts = np.array([len(targets)])
    else:
        targets = targets.astype(np.int64)
        counts = np.bincount(targets, minlength=len(classes))
    return counts, hashlib.sha256(np.ascontiguousarray(targets).tobytes()).digest()


def _numbers_in(part: npt.NDArray[np.float64], columns: TargetColumns) -> _Numbers:
    place = columns.fault_in(part)
    return _Numbers(len(part), None if place is None else (*place, float(part[place])))


def _check_numbers(found: Sequence[_Numbers], columns: TargetColumns) -> None:
    start = 0
    for part in found:
        if part.fault is not None:
            row, column, value = part.fault
            raise DataError(
                f"The Dask collection holds {value:g} in row {start + row} (counted from 0) of its "
                f"column {quoted(columns.names[column])}; expected {columns.expected}."
            )
        start += part.rows


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
    missing = sum(part.missing for part in found)
    if missing:
        raise DataError(f"{missing:,} rows have no label; expected one per row.")
    kinds = {_kind_of(value) for part in found for value in part.classes.tolist()}
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
            f"The Dask collection holds the label {shown(label)}; expected whole numbers or "
            f"texts{OR_VALUES if isinstance(label, float) else ''}."
        )
    return "number"
