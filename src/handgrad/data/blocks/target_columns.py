"""Columns of Arrow as targets: classes, or labels and values as a matrix of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data.blocks.census import SharedLabels
from handgrad.data.blocks.columns import check_whole, is_number, numbers_of
from handgrad.data.targets import check_numbers
from handgrad.errors import DataError
from handgrad.quoting import quoted

if TYPE_CHECKING:
    from handgrad.data.blocks.census import FoundTargets
    from handgrad.data.targets import Matrix, TargetColumns


def targets_of(
    name: str, targets: TargetColumns | None, batch: Any, start: int
) -> FoundTargets | None:
    """Return the targets in a record batch; its first row is row ``start`` of the table."""
    if targets is None:
        return None
    if targets.predicts == "classes":
        return labels_of(name, batch.column(targets.names[0]), start)
    Y = np.empty((batch.num_rows, len(targets.names)))
    for values, column in zip(Y.T, targets.names, strict=True):
        values[:] = _numbers(name, batch.column(column), column, targets, start)
    check_numbers(name, Y, targets, start, targets.names)
    return Y


def _numbers(
    name: str, column: Any, column_name: str, targets: TargetColumns, start: int
) -> Matrix:
    if not is_number(column.type):
        raise DataError(
            f"{name} holds {quoted(str(column.type))} in its column {quoted(column_name)}; "
            f"expected numbers, since it predicts {targets.predicts}."
        )
    check_whole(name, column, start, column_name)
    return numbers_of(column).astype(np.float64, copy=False)


def labels_of(name: str, column: Any, start: int) -> SharedLabels:
    """Share the labels of an array of Arrow; its first one is that of row ``start``."""
    import pyarrow as pa

    if column.null_count:
        row = start + int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise DataError(
            f"{name} has no label in row {row} (counted from 0); expected one in every row."
        )
    kind = column.type
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    types = pa.types
    known = (types.is_integer, types.is_floating, types.is_boolean, types.is_string)
    if not any(test(values) for test in (*known, types.is_large_string, types.is_string_view)):
        raise DataError(
            f"{name} holds labels of type {quoted(str(kind))}; expected whole numbers or texts."
        )
    if not types.is_dictionary(kind):
        if types.is_string_view(kind):
            column = column.cast(pa.large_string())
        column = column.dictionary_encode()
    codes = column.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    distinct = column.dictionary.to_pylist()
    return SharedLabels(distinct, codes)
