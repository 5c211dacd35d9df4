"""Opens a source as blocks of rows."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from handgrad.data.blocks import parquet
from handgrad.data.blocks.batches import damaged
from handgrad.data.blocks.blocks import Blocks, check_leaf_rows
from handgrad.data.blocks.census import LEAF_ROWS, count_labels
from handgrad.data.blocks.columns import LISTS, PICTURES, Columns, joined, read_columns
from handgrad.data.blocks.parts import TEST, TRAIN, by_part, chosen_part
from handgrad.data.blocks.paths import Location, Stamped, files_of, local_path
from handgrad.data.blocks.tables import Shape, Table, TableLeaves, TableRows
from handgrad.errors import DataError
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Say = Callable[[str], object]

PARQUET = "Parquet"
KINDS = {".parquet": PARQUET, ".parq": PARQUET, ".pq": PARQUET}
EXPECTED = "files .parquet, .arrow, .feather, .csv, .npy or .npz, or the IDX files of MNIST"


def open_blocks(
    source: Any,
    label: str = "label",
    *,
    features: Sequence[str] | None = None,
    leaf_rows: int = LEAF_ROWS,
    cache: str | os.PathLike[str] | None = None,
    part: str | None = None,
    on_pass: Say | None = None,
) -> Blocks:
    """Open labelled rows as blocks."""
    check_leaf_rows(leaf_rows)
    say = on_pass or (lambda _: None)
    address = local_path(source)
    parts = by_part(address, _data_files(address))
    chosen = chosen_part(address, parts, part)
    tables, shape, written = open_tables(address, parts[chosen], label, features, needs_labels=True)
    say(f"reading the labels of {_counted(len(tables))}")
    census = count_labels([(t.name, t.labels()) for t in tables], leaf_rows, written=written)
    if not census.counts.any():
        raise DataError(f"{named(address)} holds no rows; expected at least one of each class.")
    test = None
    if chosen == TRAIN and TEST in parts:
        test = partial(open_blocks, source, label, features=features, leaf_rows=leaf_rows, part=TEST)
    return Blocks(
        TableLeaves(TableRows(tables, shape), census.numbers, leaf_rows),
        census.counts,
        census.classes,
        shape.features,
        shape.dtype,
        address,
        census.digest,
        leaf_rows,
        shape.feature_names,
        shape.image_shape,
        test,
    )


def _counted(files: int) -> str:
    return f"{files:,} files" if files != 1 else "1 file"


def _data_files(address: str) -> list[tuple[str, Location]]:
    files = files_of(address)
    if len(files) == 1:
        return files
    known = [(name, file) for name, file in files if _kind(file) is not None]
    if not known:
        raise DataError(f"{named(address)} holds no rows that can be read; expected {EXPECTED}.")
    return known


def _kind(file: Location) -> str | None:
    name = file.name.lower()
    return next((kind for suffix, kind in KINDS.items() if name.endswith(suffix)), None)


def open_tables(
    source: str,
    files: Sequence[Location],
    label: str,
    features: Sequence[str] | None,
    *,
    needs_labels: bool,
) -> tuple[list[Table], Shape, bool]:
    """Open files of one kind as tables."""
    stamped = [Stamped.now(file) for file in files]
    schemas = [parquet.read_schema(file) for file in files]
    found = [
        (str(file), read_columns(str(file), schema, label, features, needs_labels=needs_labels))
        for file, (schema, _) in zip(files, schemas, strict=True)
    ]
    columns = joined(found)
    tables: list[Table] = [
        parquet.ParquetTable(file, tuple(groups), columns)
        for file, (_, groups) in zip(stamped, schemas, strict=True)
    ]
    return tables, columns.shape, False
