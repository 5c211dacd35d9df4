"""Refuses jobs that would write to a file that they read, or twice to the same file.

Two names mean the same place if links lead to it from both, if they are hard links to one file, or
if they differ only in case on a file system that ignores case.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad.data.idx import STEMS, looks_like_idx
from handgrad.data.named import NAMED
from handgrad.errors import WriteError
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LEVELS = 3  # of the folders in a source: train or test, class, images


def check_distinct(
    reads: Iterable[str | os.PathLike[str] | None], writes: Iterable[str | os.PathLike[str] | None]
) -> None:
    """Raise a WriteError unless each file to write has a place of its own that is not read.

    Everything in a folder of images counts as read; in a folder of IDX files, only the files with
    IDX names do. A source that is not a file, such as ``"mnist"``, never overlaps. Devices and
    pipes, such as ``/dev/null``, may be named any number of times. None stands for a file that is
    not wanted. Files may be missing.

    Examples
    --------
    >>> check_distinct(["mnist"], ["model.safetensors", "history.csv"])
    >>> try:
    ...     check_distinct(["samples.csv"], ["./samples.csv"])
    ... except WriteError as error:
    ...     print(error)
    samples.csv would be read and overwritten as ./samples.csv; name another file to write.
    """
    written = [place for path in writes if (place := _Place.of(path)) is not None]
    for one, other in combinations(written, 2):
        _check_writes(one, other)
    for read in filter(None, map(_Place.of, reads)):
        for place in written:
            _check_read(read, place)


def _check_writes(one: _Place, other: _Place) -> None:
    if one.is_(other):
        raise WriteError(
            f"{one} and {other} are the same file, which would be written twice; "
            "expected two different files."
        )
    for inner, outer in ((one, other), (other, one)):
        if not outer.is_folder() and inner.lies_in(outer):
            raise WriteError(
                f"{outer} would be written as a file, but {inner} lies in a folder of that name; "
                "expected another name."
            )


def _check_read(read: _Place, written: _Place) -> None:
    if written.is_(read):
        called = "" if written.path == read.path else f" as {written}"
        raise WriteError(
            f"{read} would be read and overwritten{called}; name another file to write."
        )
    if _is_read_in(written, read):
        raise WriteError(
            f"{written} lies in the folder {read}, which is read; expected a file outside of it."
        )


class _Place:
    """A path, and the status of the file or folder there."""

    def __init__(self, path: str, real: Path, found: os.stat_result | None) -> None:
        self.path, self.real, self.found = path, real, found

    def __str__(self) -> str:
        return named(self.path)

    @classmethod
    def of(cls, path: str | os.PathLike[str] | None) -> _Place | None:
        """Return the place of a file or a folder, existing or not; None for anything else."""
        if path is None or os.fspath(path) in ("", *NAMED):
            return None
        found = None
        try:
            with suppress(FileNotFoundError):
                found = Path(path).stat()
            real = Path(os.path.realpath(path))
        except (OSError, ValueError):  # reported when it is read or written
            return None
        kinds = (stat.S_ISREG, stat.S_ISDIR)
        if found is not None and not any(is_kind(found.st_mode) for is_kind in kinds):
            return None
        return cls(os.fspath(path), real, found)

    def is_(self, other: _Place) -> bool:
        if self.found is not None and other.found is not None:
            return os.path.samestat(self.found, other.found)
        # If a file does not exist, nothing shows whether its file system ignores case. Names that
        # differ only in case are rare enough to be refused everywhere.
        return _folded(self.real) == _folded(other.real)

    def is_folder(self) -> bool:
        return self.found is not None and stat.S_ISDIR(self.found.st_mode)

    def lies_in(self, folder: _Place) -> bool:
        if not folder.is_folder():
            return any(_folded(parent) == _folded(folder.real) for parent in self.real.parents)
        return any(_is_at(parent, folder.found) for parent in self.real.parents)


def _is_read_in(place: _Place, source: _Place) -> bool:
    """Tell whether a source is a folder whose files include a file to write."""
    if not source.is_folder():
        return False
    folder = source.real
    if looks_like_idx(folder):
        files: Iterable[Path] = (path for path in folder.iterdir() if path.name.startswith(STEMS))
        if place.real.name.startswith(STEMS) and _folded(place.real.parent) == _folded(folder):
            return True
    elif place.lies_in(source):
        return True
    else:
        files = _files_below(folder)
    return place.found is not None and any(_is_at(path, place.found) for path in files)


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield the files in the folders of a source, including folders behind links."""
    depth = len(folder.parts)
    for parent, folders, files in os.walk(folder, followlinks=True):
        if len(Path(parent).parts) - depth >= LEVELS:
            folders.clear()  # a link may lead back to one of its own parents
        yield from (Path(parent, name) for name in files)


def _is_at(path: Path, found: os.stat_result | None) -> bool:
    try:
        return found is not None and os.path.samestat(path.stat(), found)
    except OSError:
        return False


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()
