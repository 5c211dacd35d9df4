"""Temporary files next to a target, and the removal of those whose writer was killed.

A writer holds a lock (flock) on its temporary file until it has finished. The kernel releases the
lock when the process ends for any reason, so a file that can be locked has no writer any more.
The lock decides, and not the process number of the writer, because the system reuses such numbers
and processes in two containers that share a folder do not see each other's numbers.

A lock can be invisible on another machine that shares the folder (NFS mounted with local locks),
and Windows has no such locks. So the name of the file also says on which machine it was made. A
file from another machine, or one that cannot be locked, is removed only when it is a day old,
because no file takes that long to write.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import secrets
import stat
import time
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

fcntl = importlib.import_module("fcntl") if importlib.util.find_spec("fcntl") else None

DAY = 24 * 3600  # seconds
MODE_OF_A_NEW_FILE = 0o666  # before the umask
BINARY = getattr(os, "O_BINARY", 0)  # Windows
# A leftover may have been replaced by a link, which is not followed, or a pipe, which would block.
AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | BINARY


@contextmanager
def temporary_file(
    target: Path, mode: int = MODE_OF_A_NEW_FILE
) -> Iterator[tuple[Path, IO[bytes]]]:
    """Open a new file in the target's folder, and remove it at the end unless it was renamed.

    Files that killed writers of the same target left behind are removed first.
    """
    remove_leftovers(target)
    while True:
        path = target.with_name(f"{prefix_here(target)}{secrets.token_hex(8)}.tmp")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | AS_IT_IS, mode)
            with os.fdopen(descriptor, "wb") as file:
                # Another process may have taken it for a leftover before it is locked.
                if lock(file.fileno()) is not False and _is_there(path, file.fileno()):
                    yield path, file
                    return
        finally:
            path.unlink(missing_ok=True)


def remove_leftovers(target: Path) -> None:
    """Remove what killed writers of the target left behind, but no file that has a writer."""
    of_the_target, here = _prefix(target), prefix_here(target)
    of_old_versions = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.tmp")
    with suppress(OSError):  # a folder can be writable without being readable
        for name in os.listdir(target.parent):  # noqa: PTH208 - five times faster than iterdir
            if not name.endswith(".tmp"):
                continue
            if name.startswith(of_the_target) or of_old_versions.fullmatch(name):
                with suppress(OSError):  # the file belongs to another user, or is already gone
                    _remove_if_dead(target.with_name(name), here=name.startswith(here))


def _remove_if_dead(path: Path, *, here: bool) -> None:
    # For writing, too, because NFS locks only such files.
    descriptor = os.open(path, os.O_RDWR | AS_IT_IS)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return
        locked = lock(descriptor)
        if locked is False or not ((locked and here) or time.time() - found.st_mtime > DAY):
            return
        path.unlink()  # still locked, so a writer that has just created it notices that it is gone
    finally:
        os.close(descriptor)


def _is_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def lock(descriptor: int) -> bool | None:
    """Lock an open file; return False if a process holds the lock, None if there are no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _prefix(target: Path) -> str:
    """Return the beginning of the names of the target's temporary files."""
    return f".handgrad-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:12]}-"


def prefix_here(target: Path) -> str:
    """Return the beginning of the names of those that this machine writes."""
    return f"{_prefix(target)}{_machine()}-"


@cache
def _machine() -> str:
    """Return a name of the running kernel, which all containers of a machine share."""
    try:
        identity = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        identity = platform.node().encode()
    return hashlib.sha256(identity).hexdigest()[:8]
