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

    A reader sees the old file or the new one, never a part; a failed write leaves the old one.
    A file that is replaced hands its permissions on. What a killed process left behind when it
    wrote to the same path is removed. A device or a pipe, such as ``/dev/null``, is written to as
    it is, and never replaced.

    Parameters
    ----------
    path : path
    content : bytes

    Raises
    ------
    WriteError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "notes.txt"
    >>> write_atomically(path, b"F1 to U1")
    >>> path.read_bytes()
    b'F1 to U1'
    """
    with _writing(path):
        old = _status(path)
        if _is_special(old):
            Path(path).write_bytes(content)
            return
        target = Path(os.path.realpath(path))
        _check_folder(path, target.parent)
        # What replaces a private file is private from the beginning.
        mode = MODE_OF_A_NEW_FILE if old is None else stat.S_IRUSR | stat.S_IWUSR
        with temporary_file(target, mode) as (temporary, file):
            file.write(content)
            file.flush()
            if old is not None:
                _hand_on_permissions(old, temporary, file.fileno())
            os.fsync(file.fileno())
            if os.name == "nt":
                file.close()  # Windows renames no open file
            temporary.replace(target)
        _flush_folder(target.parent)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out before the work is done whether its result can be kept.

    Parameters
    ----------
    path : path
        A file to be written later.

    Raises
    ------
    WriteError
        If its folder does not exist or takes no files, or the path is a folder or a socket.
    """
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
    """Say why a file cannot be had, without the path that Python adds.

    Examples
    --------
    >>> cause(FileNotFoundError(2, "No such file or directory", "model.safetensors"))
    'No such file or directory'
    """
    return getattr(error, "strerror", None) or str(error)


def _status(path: str | os.PathLike[str]) -> os.stat_result | None:
    """Return what is there, behind all links; None where nothing is."""
    try:
        return Path(path).stat()
    except FileNotFoundError:
        return None


def _check_folder(path: str | os.PathLike[str], folder: Path) -> None:
    if not folder.is_dir():
        raise WriteError(
            f"{named(path)} cannot be written: the folder {named(folder)} is not there."
        )


def _is_special(found: os.stat_result | None) -> bool:
    """Say whether this is something other than a file or a folder."""
    return found is not None and not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode))


def _hand_on_permissions(old: os.stat_result, path: Path, descriptor: int) -> None:
    """Give the file that replaces another one its group and its permissions."""
    mode = stat.S_IMODE(old.st_mode)
    if hasattr(os, "fchown") and os.fstat(descriptor).st_gid != old.st_gid:
        try:
            os.fchown(descriptor, -1, old.st_gid)
        except OSError:  # what the old group was allowed is not meant for another one
            mode &= ~stat.S_IRWXG
    path.chmod(mode)


def _flush_folder(folder: Path) -> None:
    """Make a new name in a folder outlast a power failure, where the system can."""
    with suppress(OSError):  # Windows opens no folder, and some file systems flush none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
