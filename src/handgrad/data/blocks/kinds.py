"""Which module opens which source."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from handgrad.data.blocks import arrow, csv, numpy_files, parquet, sequences
from handgrad.data.blocks.parts import NAMES, by_part
from handgrad.data.blocks.paths import Location, files_of, is_folder, local_path
from handgrad.data.streams import reading
from handgrad.errors import DataError
from handgrad.quoting import listed, named, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handgrad.data.blocks.columns import Wanted
    from handgrad.data.blocks.tables import Opened

    Openers = dict[str | None, Callable[[], Opened]]

PARQUET, ARROW, CSV, NPZ, NPY = "Parquet", "Arrow", "CSV", "NPZ", "NPY"
SUFFIXES = {
    ".parquet": PARQUET,
    ".parq": PARQUET,
    ".arrow": ARROW,
    ".arrows": ARROW,
    ".feather": ARROW,
    ".ipc": ARROW,
    ".csv": CSV,
    ".csv.gz": CSV,
    ".npz": NPZ,
    ".npy": NPY,
}
IMAGES = (".png", ".jpg", ".jpeg")
EXPECTED = "Parquet, Arrow, Feather, CSV or NPZ files, X.npy and y.npy, or the IDX files of MNIST"


def name_of(source: object) -> str:
    """Return what errors and reports call a source."""
    if isinstance(source, str | os.PathLike):
        return local_path(source)
    if _are_paths(source):
        paths = [local_path(path) for path in cast("Sequence[str]", source)]
        return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    return f"the {type(source).__name__}"


def openers(source: Any, wanted: Wanted) -> Openers:
    """Return what opens each part of a source."""
    if isinstance(source, str | os.PathLike):
        address = local_path(source)
        if not address:
            raise DataError(f"The name of the source is empty; expected {EXPECTED}.")
        return _of_address(address, wanted)
    if _are_paths(source):
        return _of_list(name_of(source), [local_path(path) for path in source], wanted)
    if sequences.is_hugging_face_parts(source):
        return {
            NAMES.get(name, name): partial(sequences.open_hugging_face, dataset, wanted)
            for name, dataset in source.items()
        }
    if sequences.is_hugging_face(source):
        return {None: partial(sequences.open_hugging_face, source, wanted)}
    if sequences.is_sequence(source):
        return {None: partial(sequences.open_sequence, source, wanted.targets)}
    raise DataError(
        f"The source is {shown(source)}; expected a path, an address, a dataset, a sequence of "
        "rows with labels, or a pair of arrays (X, y)."
    )


def is_of_rows(address: str) -> bool:
    """Tell whether a source is a table of Arrow or Parquet, or several files of rows."""
    if "://" in address or kind_of(address) in (PARQUET, ARROW):
        return True
    with reading(Path(address)):
        if not Path(address).is_dir():
            return not Path(address).exists() and ("*" in address or "?" in address)
    for _, _, names in os.walk(address):
        for name in names:
            if kind_of(name) is not None:
                return True
            if name.lower().endswith(IMAGES):
                return False
    return False


def kind_of(name: str) -> str | None:
    """Return the kind of a file by the end of its name."""
    lower = name.lower()
    return next((kind for suffix, kind in SUFFIXES.items() if lower.endswith(suffix)), None)


def _are_paths(source: object) -> bool:
    return (
        isinstance(source, list | tuple)
        and len(source) > 0
        and all(isinstance(path, str | os.PathLike) for path in source)
    )


def _of_list(name: str, addresses: list[str], wanted: Wanted) -> Openers:
    files = [file for address in addresses for _, file in files_of(address)]
    if len(files) == 2 and all(kind_of(file.name) == NPY for file in files):
        return {None: partial(numpy_files.open_npy, [files[0]], [files[1]], wanted)}
    return _of_files(name, [(file.name, file) for file in files], wanted)


def _of_address(address: str, wanted: Wanted) -> Openers:
    files = files_of(address)
    if not is_folder(address):
        return _of_files(address, files, wanted)
    top = [file for name, file in files if "/" not in name]
    found = numpy_files.idx_files(top)
    if found:
        return {
            part: partial(numpy_files.open_idx, found, part, wanted)
            for part in numpy_files.idx_parts(named(address), found)
        }
    pairs = numpy_files.npy_pairs(top)
    if pairs:
        return {
            part: partial(numpy_files.open_npy, [X], [y], wanted) for part, (X, y) in pairs.items()
        }
    known = [(name, file) for name, file in files if kind_of(name) is not None]
    if not known:
        raise DataError(f"{named(address)} holds no files of rows; expected {EXPECTED}.")
    return _of_files(address, known, wanted)


def _of_files(address: str, files: list[tuple[str, Location]], wanted: Wanted) -> Openers:
    kinds = sorted({kind_of(name) or "" for name, _ in files})
    if len(kinds) > 1:
        raise DataError(
            f"{named(address)} holds files of several kinds ({listed(kinds)}); expected one: name "
            "a pattern such as *.parquet."
        )
    if not kinds or not kinds[0]:
        raise DataError(f"{named(address)} is not a file of rows; expected {EXPECTED}.")
    kind = kinds[0]
    if kind == NPZ and len(files) == 1:
        file = files[0][1]
        return {
            part: partial(numpy_files.open_npz, [file], part, wanted)
            for part in numpy_files.parts_of_npz(file)
        }
    return {
        part: partial(_open_files, kind, found, part, wanted)
        for part, found in by_part(address, files).items()
    }


def _open_files(kind: str, files: list[Location], part: str | None, wanted: Wanted) -> Opened:
    if kind == PARQUET:
        return parquet.open_parquet(files, wanted)
    if kind == ARROW:
        return arrow.open_arrow(files, wanted)
    if kind == CSV:
        return csv.open_csv(files, wanted)
    if kind == NPZ:
        return numpy_files.open_npz(files, part, wanted)
    return numpy_files.open_npy(files, None, wanted)
