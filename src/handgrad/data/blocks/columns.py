"""Columns of Arrow as rows and targets: which columns hold what, and how rows are decoded.

The type of the rows depends on the schema alone: pixels are ``uint8``, other numbers ``float32``
if all of them are, otherwise ``float64``. Pixels are bytes of fixed size, lists of ``uint8``,
pictures, and columns of whole numbers that are named like pixels (``pixel0`` or ``1x1``).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.data.blocks.tables import Shape
from handgrad.data.csv_header import PIXEL_NAME, check_target_columns, raster
from handgrad.errors import DataError
from handgrad.quoting import listed, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from handgrad.data.targets import TargetColumns

PLAIN, LISTS, BYTES, PICTURES = "columns of numbers", "lists", "bytes", "pictures"
INDEX = re.compile(r"__index_level_\d+__")  # what pandas adds to its columns


@dataclass(frozen=True)
class Columns:
    """The columns that hold rows and targets.

    Attributes
    ----------
    form : str
        PLAIN: one column per feature; LISTS, BYTES or PICTURES: one column of whole rows.
    features : tuple of str
        The columns of the rows.
    dtype : str
        The type of the rows.
    width : int or None
        D; None if it is known only after a first row is read.
    image_shape : (int, int) or None
    targets : TargetColumns or None
        The columns of the targets.
    """

    form: str
    features: tuple[str, ...]
    dtype: str
    width: int | None
    image_shape: tuple[int, int] | None = None
    targets: TargetColumns | None = None

    @property
    def names(self) -> list[str]:
        """All columns that are read."""
        return [*self.features, *(() if self.targets is None else self.targets.names)]

    @property
    def shape(self) -> Shape:
        """What the rows look like."""
        names = self.features if self.form == PLAIN else None
        return Shape(self.width or 0, np.dtype(self.dtype), names, self.image_shape)

    @property
    def in_processes(self) -> bool:
        """Whether decoding is slow and holds Python's lock."""
        return self.form == PICTURES


class Wanted(NamedTuple):
    """What is asked of a source."""

    targets: TargetColumns
    features: tuple[str, ...] | None
    needs_targets: bool


def read_columns(where: str, schema: Any, wanted: Wanted) -> Columns:
    """Find the columns of targets and of rows in a schema of Arrow."""
    targets, features, needs_targets = wanted
    names = [name for name in schema.names if not INDEX.fullmatch(name)]
    asked = names if features is None else [*targets.names, *features]
    twice = next((name for name in asked if schema.names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{where} has two columns named {quoted(twice)}; expected one.")
    check_target_columns(where, targets, names, needs_targets=needs_targets)
    missing = [name for name in features or () if name not in names]
    if missing:
        raise DataError(
            f"{where} lacks {len(missing):,} of the {len(features or ()):,} columns that are "
            f"wanted ({listed(missing, 3)}); expected all of them, in any order."
        )
    others = [name for name in names if name not in targets.names]
    read = others if features is None else list(features)
    if not read:
        raise DataError(
            f"{where} has no column other than {listed(targets.names)}; expected at least one "
            "feature."
        )
    columns = _of_features(where, [schema.field(name) for name in read])
    columns = _in_raster(columns) if features is None else columns
    is_known = set(targets.names) <= set(names) - set(read)
    return replace(columns, targets=targets if is_known else None)


def _of_features(where: str, fields: list[Any]) -> Columns:
    import pyarrow as pa

    names = tuple(field.name for field in fields)
    if all(is_number(field.type) for field in fields):
        return _plain(names, [field.type for field in fields])
    if len(fields) == 1:
        kind = fields[0].type
        if _is_list(kind):
            shape, value = _list_shape(kind)
            if is_number(value):
                return _lists(names, shape, value)
        if pa.types.is_fixed_size_binary(kind):
            return Columns(BYTES, names, "|u1", kind.byte_width, _square(kind.byte_width))
        if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            return Columns(PICTURES, names, "|u1", None)
    odd = next(field for field in fields if not is_number(field.type))
    raise DataError(
        f"{where} holds {quoted(str(odd.type))} in its column {quoted(odd.name)}; expected columns "
        "of numbers, or one column of lists of one length, of bytes of fixed size, or of images "
        "{bytes, path}: name the columns of the features."
    )


def _plain(names: tuple[str, ...], kinds: list[Any]) -> Columns:
    import pyarrow as pa

    pixels = all(map(PIXEL_NAME.fullmatch, names)) and all(map(pa.types.is_integer, kinds))
    return Columns(PLAIN, names, "|u1" if pixels else _number_type(kinds), len(names))


def _in_raster(columns: Columns) -> Columns:
    """Order pixels by their places in the picture, as in CSV files."""
    if columns.form != PLAIN or not all(map(PIXEL_NAME.fullmatch, columns.features)):
        return columns
    order, image_shape = raster(columns.features)
    if not order:
        return columns
    names = tuple(columns.features[place] for place in order)
    return replace(columns, features=names, image_shape=image_shape)


def _lists(names: tuple[str, ...], shape: list[int], value: Any) -> Columns:
    import pyarrow as pa

    dtype = "|u1" if pa.types.is_uint8(value) else _number_type([value])
    width = math.prod(shape) if -1 not in shape else None
    image_shape = (shape[0], shape[1]) if len(shape) == 2 and -1 not in shape else None
    if dtype == "|u1" and image_shape is None and width is not None:
        image_shape = _square(width)
    return Columns(LISTS, names, dtype, width, image_shape)


def _number_type(kinds: list[Any]) -> str:
    import pyarrow as pa

    return "<f4" if all(map(pa.types.is_float32, kinds)) else "<f8"


def is_number(kind: Any) -> bool:
    """Tell whether a type of Arrow is one of numbers."""
    import pyarrow as pa

    types = pa.types
    return any(
        test(kind)
        for test in (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    )


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    kind = _storage(kind)
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _storage(kind: Any) -> Any:
    """Return the type in which an extension type is stored."""
    return getattr(kind, "storage_type", kind)


def _list_shape(kind: Any) -> tuple[list[int], Any]:
    """Return the lengths of nested lists, -1 where rows may differ, and the type of the values."""
    import pyarrow as pa

    shape = []
    kind = _storage(kind)
    while _is_list(kind):
        shape.append(kind.list_size if pa.types.is_fixed_size_list(kind) else -1)
        kind = _storage(kind.value_type)
    return shape, kind


def _square(width: int) -> tuple[int, int] | None:
    side = math.isqrt(width)
    return (side, side) if side * side == width and side > 1 else None


def joined(found: Sequence[tuple[str, Columns]]) -> Columns:
    """Return what the tables of a source have in common, or name the one that differs."""
    name, first = found[0]
    for other_name, other in found[1:]:
        difference = _difference(first, other)
        if difference:
            raise DataError(
                f"{other_name} differs from {name}: {difference}; expected files with the same "
                "columns."
            )
    types = {columns.dtype for _, columns in found}
    widths = [columns.width for _, columns in found if columns.width is not None]
    return replace(
        first,
        dtype=types.pop() if len(types) == 1 else "<f8",
        width=widths[0] if widths else None,
    )


def _difference(first: Columns, other: Columns) -> str:
    if first.form != other.form:
        return f"it holds {other.form}, not {first.form}"
    if set(first.features) != set(other.features):
        extra = sorted(set(first.features) ^ set(other.features))
        return f"only one of them has {listed(extra, 3)}"
    if first.targets != other.targets:
        return "only one of them has labels"
    if None not in (first.width, other.width) and first.width != other.width:
        return f"its rows have {other.width:,} values, not {first.width:,}"
    if first.form == LISTS and (first.dtype == "|u1") != (other.dtype == "|u1"):
        return "only one of them holds bytes"
    return ""


def rows_into(X: npt.NDArray[Any], name: str, columns: Columns, batch: Any, start: int) -> None:
    """Decode a record batch into X; its first row is row ``start`` of the table."""
    if columns.form == PLAIN:
        _plain_into(X, name, columns, batch, start)
    elif columns.form == BYTES:
        column = batch.column(columns.features[0])
        check_whole(name, column, start)
        width = X.shape[1]
        _check_width(name, column.type.byte_width, width, start)
        content = np.frombuffer(column.buffers()[1], np.uint8) if len(column) else X[:0].ravel()
        first = column.offset * width
        X[:] = content[first : first + len(column) * width].reshape(X.shape)
    elif columns.form == LISTS:
        _lists_into(X, name, batch.column(columns.features[0]), start)
    else:
        from handgrad.data.blocks.pictures import pictures_into

        pictures_into(X, name, batch.column(columns.features[0]), columns.image_shape, start)


def _plain_into(X: npt.NDArray[Any], name: str, columns: Columns, batch: Any, start: int) -> None:
    by_feature = np.empty(X.shape[::-1], X.dtype)  # columns of Arrow are contiguous
    for values, feature in zip(by_feature, columns.features, strict=True):
        column = batch.column(feature)
        if column.null_count:
            check_whole(name, column, start, feature)
        numbers = numbers_of(column)
        if X.dtype == np.uint8 and numbers.dtype != np.uint8:
            _check_pixels(name, numbers, start, feature)
        with np.errstate(over="ignore"):
            values[:] = numbers
    X[:] = by_feature.T
    check_finite(name, X, start)


def numbers_of(column: Any) -> npt.NDArray[Any]:
    """Return an array of Arrow as an array of numbers."""
    import pyarrow as pa

    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    numbers: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return numbers


def _lists_into(X: npt.NDArray[Any], name: str, column: Any, start: int) -> None:
    values, lists = _storage_of(column), 1  # of this level in each row
    while _is_list(values.type):
        check_whole(name, values, start, lists=lists)
        inner = _storage(values.type.value_type)
        lengths = _list_lengths(values)
        expected = lengths[0] if len(lengths) and _is_list(inner) else X.shape[1] // lists
        wrong = np.flatnonzero(lengths != expected)
        if len(wrong):
            row = start + int(wrong[0]) // lists
            _check_width(name, int(lengths[wrong[0]]) * lists, int(expected) * lists, row)
        values, lists = _storage_of(values.flatten()), lists * int(expected)
    check_whole(name, values, start, lists=lists)
    _check_width(name, lists, X.shape[1], start)
    with np.errstate(over="ignore"):
        X[:] = numbers_of(values).reshape(X.shape)
    check_finite(name, X, start)


def _storage_of(values: Any) -> Any:
    """Return the values of an array of an extension type as they are stored."""
    return getattr(values, "storage", values)


def _list_lengths(values: Any) -> npt.NDArray[np.int64]:
    import pyarrow as pa

    if pa.types.is_fixed_size_list(values.type):
        return np.full(len(values), values.type.list_size)
    import pyarrow.compute as pc

    lengths: npt.NDArray[np.int64] = pc.list_value_length(values).to_numpy().astype(np.int64)
    return lengths


def with_width(columns: Columns, name: str, batch: Any) -> Columns:
    """Return columns whose width is that of the first row of a batch."""
    column = batch.column(columns.features[0])
    check_whole(name, column[:1], 0)
    if columns.form == PICTURES:
        from handgrad.data.blocks.pictures import picture_size

        shape: tuple[int, ...] = picture_size(name, column)
    else:
        shape = np.array(column[0].as_py(), dtype=object).shape
    image_shape = (shape[0], shape[1]) if len(shape) == 2 else None
    if columns.dtype == "|u1" and image_shape is None:
        image_shape = _square(math.prod(shape))
    return replace(columns, width=math.prod(shape), image_shape=image_shape)


def check_whole(
    name: str, column: Any, start: int, feature: str | None = None, *, lists: int = 1
) -> None:
    """Refuse missing values in an array with so many values per row."""
    if column.null_count:
        empty = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))
        _missing(name, start + int(empty[0]) // lists, feature)


def _missing(name: str, row: int, feature: str | None = None) -> None:
    where = "" if feature is None else f" in its column {quoted(feature)}"
    raise DataError(
        f"{name} has a missing value in row {row} (counted from 0){where}; expected a value in "
        "every place."
    )


def _check_width(name: str, found: int, expected: int, row: int) -> None:
    if found != expected:
        raise DataError(
            f"{name} has {found:,} values in row {row} (counted from 0); expected {expected:,}, "
            "as in the first row."
        )


def _check_pixels(name: str, numbers: npt.NDArray[Any], start: int, feature: str) -> None:
    wrong = np.flatnonzero((numbers < 0) | (numbers > 255))
    if len(wrong):
        raise DataError(
            f"{name} holds {numbers[wrong[0]]} in row {start + int(wrong[0])} (counted from 0) of "
            f"its column {quoted(feature)}; expected a pixel, a whole number from 0 to 255."
        )


def check_finite(name: str, X: npt.NDArray[Any], start: int) -> None:
    """Refuse NaN and infinity."""
    if X.dtype == np.uint8:
        return
    wrong = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if len(wrong):
        raise DataError(
            f"{name} holds NaN or infinity in row {start + int(wrong[0])} (counted from 0); "
            "expected finite numbers."
        )
