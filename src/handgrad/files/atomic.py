"""Writes a file whole or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad.errors import WriteError
from handgrad.files.leftovers import MODE_OF_A_NEW_FILE, temporary_file
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Iterator


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write to a temporary name in the same folder, flush, and rename.

    A reader sees the old file or the new one, never a part. If the write fails, the old file stays
    and a WriteError says why. The new file gets the permissions of the file that it replaces.
    Temporary files that killed processes left behind for the same path are removed. A device or a
    pipe, such as ``/dev/null``, is written to directly and never replaced.
    """
    with _writing(path):
        old = _status(path)
        if _is_special(old):
            Path(path).write_bytes(content)
            return
        target = Path(os.path.realpath(path))
        _check_folder(path, target.parent)
        # A file that replaces a private file is private from the beginning.
        mode = MODE_OF_A_NEW_FILE if old is None else stat.S_IRUSR | stat.S_IWUSR
        with temporary_file(target, mode) as (temporary, file):
            file.write(content)
            file.flush()
            if old is not None:
                _copy_permissions(old, temporary, file.fileno())
            os.fsync(file.fileno())
            if os.name == "nt":
                file.close()  # Windows cannot rename an open file
            temporary.replace(target)
        _flush_folder(target.parent)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Check before a job starts that its result can be written, or raise a WriteError."""
    with _writing(path):
        found = _status(path)
        if found is not None and stat.S_ISSOCK(found.st_mode):
            raise WriteError(f"{named(path)} is a socket; expected the name of a file to write.")
        if _is_special(found):
            return
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise WriteError(f"{named(path)} is a folder; expected the name of a file to write.")
        _check_folder(path, target.parent)
        with temporary_file(target):
            pass


@contextmanager
def _writing(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise WriteError(f"{named(path)} cannot be written: {cause(error)}.") from error


def cause(error: OSError | ValueError) -> str:
    """Return the reason for an error of the file system, without the path that Python adds."""
    return getattr(error, "strerror", None) or str(error)


def _status(path: str | os.PathLike[str]) -> os.stat_result | None:
    """Return the status of what a path leads to through all links; None if there is nothing."""
    try:
        return Path(path).stat()
    except FileNotFoundError:
        return None


def _check_folder(path: str | os.PathLike[str], folder: Path) -> None:
    if not folder.is_dir():
        raise WriteError(
            f"{named(path)} cannot be written: the folder {named(folder)} does not exist; "
            "make it first."
        )


def _is_special(found: os.stat_result | None) -> bool:
    """Tell whether this is something other than a file or a folder."""
    return found is not None and not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode))


def _copy_permissions(old: os.stat_result, path: Path, descriptor: int) -> None:
    """Give a file the group and the permissions of the file that it replaces."""
    mode = stat.S_IMODE(old.st_mode)
    if hasattr(os, "fchown") and os.fstat(descriptor).st_gid != old.st_gid:
        try:
            os.fchown(descriptor, -1, old.st_gid)
        except OSError:  # the rights of the old group must not pass to another group
            mode &= ~stat.S_IRWXG
    path.chmod(mode)


def _flush_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power failure, if the system supports it."""
    with suppress(OSError):  # Windows cannot open folders, and some file systems cannot flush them
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
