"""Finds the arrays in NumPy's files and in the IDX files of MNIST."""

from __future__ import annotations

import zipfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from handgrad.data import idx
from handgrad.data.blocks.parts import TEST, TRAIN
from handgrad.data.blocks.paths import Location, Stamped
from handgrad.data.blocks.stored import StoredArray, StoredTable, data_offset, stored_errors
from handgrad.data.blocks.tables import Opened, Shape
from handgrad.data.dataset import check_counts
from handgrad.data.npy import Header, read_header
from handgrad.data.npz import (
    KEPT,
    check_samples,
    check_target_shape,
    flat_shape,
    pairs_of,
    read_member_header,
    wanted_arrays,
)
from handgrad.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handgrad.data.blocks.columns import Wanted
    from handgrad.data.targets import Predicts

PREFIXES = {TRAIN: "train", TEST: "t10k"}
Images = tuple[int, int] | None


def open_npz(files: Sequence[Location], part: str | None, wanted: Wanted) -> Opened:
    """Open archives with ``X`` and ``y``, or with the arrays of a part (``x_train`` …)."""
    found = [_npz_table(Stamped.now(file), part, wanted.targets.predicts) for file in files]
    return _opened(found, wanted)


def parts_of_npz(file: Location) -> list[str | None]:
    """Return the parts that an archive holds."""
    with _archive(file) as (_, archive):
        wanted = wanted_arrays(cast("Any", file), archive)
    return [TRAIN, TEST] if "x_test" in wanted else [None]


def _npz_table(file: Stamped, part: str | None, predicts: Predicts) -> tuple[StoredTable, Images]:
    location = file.location
    size = location.size
    path = cast("Any", location)
    with _archive(location) as (stream, archive):
        pairs = pairs_of(wanted_arrays(path, archive))
        X, y = pairs[-1] if part == TEST else pairs[0]
        headers = {name: read_member_header(path, archive, name, size) for name in (X, y) if name}
        arrays = {
            name: _member(file, stream, archive, name, header) for name, header in headers.items()
        }
    image_shape = check_samples(path, headers[X])
    if y is not None:
        count, _ = check_target_shape(path, headers[y], predicts)
        check_counts(str(location), flat_shape(headers[X]), count)
    return StoredTable(arrays[X], None if y is None else arrays[y], predicts), image_shape


@contextmanager
def _archive(file: Location) -> Iterator[tuple[IO[bytes], zipfile.ZipFile]]:
    with stored_errors(file), file.open() as stream, zipfile.ZipFile(stream) as archive:
        yield stream, archive


def _member(
    file: Stamped, stream: IO[bytes], archive: zipfile.ZipFile, name: str, header: Header
) -> StoredArray:
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as content:
        read_header(content, most=header.bytes, what=f"{file.location}, array {name},")
        offset = content.tell()
    _check_size(f"{file.location}, array {name},", header, offset, member.file_size)
    if member.compress_type == zipfile.ZIP_STORED:
        return _stored(file, header, data_offset(stream, member) + offset)
    return _stored(file, header, offset, member.filename)


def _check_size(what: str, header: Header, offset: int, size: int) -> None:
    """Refuse an array with fewer or more bytes than its header promises."""
    if size - offset != header.bytes:
        raise DataError(
            f"{what} is truncated or damaged: its header promises {header.bytes:,} bytes of data, "
            f"but {max(0, size - offset):,} follow."
        )


def _stored(file: Stamped, header: Header, offset: int, member: str | None = None) -> StoredArray:
    columns_together = header.fortran_order and len(header.shape) > 1
    if columns_together and member is not None:
        raise DataError(
            f"{file.location} holds a packed array whose columns lie together (Fortran order), so "
            "its rows cannot be read one by one; save numpy.ascontiguousarray of it."
        )
    return StoredArray(
        file, offset, header.shape, header.dtype.str, member, columns_together=columns_together
    )


def open_npy(X: Sequence[Location], y: Sequence[Location] | None, wanted: Wanted) -> Opened:
    """Open NPY files of rows, each beside one of targets."""
    found, predicts = [], wanted.targets.predicts
    for i, file in enumerate(X):
        rows, header = _npy(file)
        image_shape = check_samples(cast("Any", file), header)
        labels = None
        if y is not None:
            labels, of_labels = _npy(y[i])
            count, _ = check_target_shape(cast("Any", y[i]), of_labels, predicts)
            check_counts(str(file), flat_shape(header), count)
        found.append((StoredTable(rows, labels, predicts), image_shape))
    return _opened(found, wanted)


def _npy(file: Location) -> tuple[StoredArray, Header]:
    stamped = Stamped.now(file)
    size = file.size
    with file.errors(), file.open() as stream:
        header = read_header(stream, most=size, what=str(file))
        _check_size(str(file), header, stream.tell(), size)
        return _stored(stamped, header, stream.tell()), header


def npy_pairs(files: Sequence[Location]) -> dict[str | None, tuple[Location, Location]]:
    """Return the pairs ``X.npy`` and ``y.npy``, or ``x_train.npy`` and ``y_train.npy`` … ."""
    by_name = {file.name.lower(): file for file in files}
    pairs: dict[str | None, tuple[Location, Location]] = {}
    for part, end in ((None, ""), (TRAIN, "_train"), (TEST, "_test")):
        names = f"x{end}.npy", f"y{end}.npy"
        if all(name in by_name for name in names):
            pairs[part] = by_name[names[0]], by_name[names[1]]
    return pairs


def open_idx(files: dict[str, Location], part: str, wanted: Wanted) -> Opened:
    """Open the images and labels of one part of a folder of IDX files."""
    images, labels = (_idx(files[f"{PREFIXES[part]}-{kind}"]) for kind in ("images", "labels"))
    if images.rows != labels.rows:
        raise DataError(
            f"{images.file.location} holds {images.rows:,} images and {labels.file.location.name} "
            f"{labels.rows:,} labels; expected one label per image."
        )
    shape = images.shape[1], images.shape[2]
    table = StoredTable(images, labels, wanted.targets.predicts)
    return _opened([(table, shape)], wanted._replace(needs_labels=True))


def idx_files(files: Sequence[Location]) -> dict[str, Location]:
    """Return the IDX files of MNIST among files, by their stems such as ``train-images``."""
    found: dict[str, Location] = {}
    for stem, dimensions in idx.DIMENSIONS.items():
        for mark in "-.":
            for end in ("", ".gz"):
                name = f"{stem}{mark}idx{dimensions}-ubyte{end}"
                for file in files:
                    if file.name == name:
                        found.setdefault(stem, file)
    return found


def idx_parts(source: str, found: dict[str, Location]) -> list[str]:
    """Return the parts of a folder of IDX files whose images and labels are there."""
    whole = []
    for part, prefix in PREFIXES.items():
        stems = {f"{prefix}-images", f"{prefix}-labels"}
        there = stems & found.keys()
        if there and there != stems:
            raise DataError(
                f"{source} lacks the IDX file {(stems - there).pop()}; expected images and labels."
            )
        whole += [part] if there else []
    return whole


def _idx(file: Location) -> StoredArray:
    stamped = Stamped.now(file)
    dimensions = next(n for stem, n in idx.DIMENSIONS.items() if file.name.startswith(stem))
    plain = StoredArray(stamped, 0, (0,), "|u1")
    with plain.opened() as stream:
        shape = idx.read_shape(cast("Any", file), stream, dimensions)
    array = StoredArray(stamped, 4 + 4 * dimensions, shape, "|u1")
    if not file.name.lower().endswith(".gz"):
        header = Header(shape, fortran_order=False, dtype=np.dtype(np.uint8))
        _check_size(str(file), header, array.offset, file.size)
    return array


def _opened(found: Sequence[tuple[StoredTable, Images]], wanted: Wanted) -> Opened:
    tables = [table for table, _ in found]
    first = tables[0].X
    for table in tables:
        if wanted.needs_labels and table.y is None:
            noun = wanted.targets.noun
            raise DataError(f"{table.name} holds no {noun}s; expected an array y beside X.")
        if table.X.width != first.width:
            raise DataError(
                f"{table.name} differs from {tables[0].name}: its rows have {table.X.width:,} "
                f"values, not {first.width:,}; expected the same number."
            )
    if not first.width:
        raise DataError(f"{tables[0].name} holds samples without features; expected at least one.")
    types = {_row_type(table.X.dtype) for table in tables}
    dtype = types.pop() if len(types) == 1 else np.dtype(np.float64)
    shapes = {shape for _, shape in found}
    shape = Shape(first.width, dtype, None, shapes.pop() if len(shapes) == 1 else None)
    return Opened(tables, shape, names=_target_names(tables, wanted))


def _target_names(tables: Sequence[StoredTable], wanted: Wanted) -> tuple[str, ...]:
    """Return the names of the labels or values, of which all tables must hold the same number."""
    targets = wanted.targets
    counts = {table.name: table.y.width for table in tables if table.y is not None}
    if targets.predicts == "classes" or not counts:
        return ()
    (name, outputs), *others = counts.items()
    for other, count in others:
        if count != outputs:
            raise DataError(
                f"{other} differs from {name}: it holds {count} {targets.predicts} per sample, not "
                f"{outputs}; expected the same number."
            )
    return targets.names_of(name, outputs)


def _row_type(dtype: str) -> np.dtype[Any]:
    native = np.dtype(dtype).newbyteorder("=")
    return native if native in KEPT else np.dtype(np.float64)
