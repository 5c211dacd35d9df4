"""Writes a file whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad.errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write to a temporary name in the same folder, flush, and rename.

    A reader sees the old file or the new one, never a part; a failed write leaves the old one.
    A device or a pipe, such as ``/dev/null``, is written to as it is, and never replaced.

    Parameters
    ----------
    path : path
    content : bytes

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    with _writing(path):
        if _is_special(Path(path)):
            Path(path).write_bytes(content)
            return
        target = Path(path).resolve()
        temporary = _temporary_name(target)
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out before the work is done whether its result can be kept.

    Parameters
    ----------
    path : path
        A file to be written later.

    Raises
    ------
    WriteError
        If its folder does not exist or takes no files, or the path is a folder.
    """
    with _writing(path):
        if _is_special(Path(path)):
            return
        target = Path(path).resolve()
        if target.is_dir():
            raise WriteError(f"{path} is a folder; expected the name of a file to write.")
        if not target.parent.is_dir():
            raise WriteError(f"{path} cannot be written: the folder {target.parent} is not there.")
        probe = _temporary_name(target)
        probe.touch(exist_ok=False)
        probe.unlink()


@contextmanager
def _writing(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror or error}.") from error


def _is_special(target: Path) -> bool:
    """Say whether a path names something other than a file or a folder."""
    return target.exists() and not target.is_file() and not target.is_dir()


def _temporary_name(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
