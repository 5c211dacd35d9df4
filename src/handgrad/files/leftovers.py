"""Temporary files beside a target, and the removal of those whose writer was killed.

A writer holds a lock (flock) on its temporary file from the beginning to the end. The kernel
releases the lock when the process dies, however it dies, so a file that can be locked has no
writer any more. This is why the lock decides and not the writer's process number: numbers are
used again, and processes in two containers that share a folder do not see each other's.

A lock can be invisible on another machine that shares the folder (NFS mounted with local locks),
and Windows has no such locks. So a file's name also says on which machine it was begun, and one
that was not begun on this machine, or cannot be locked, is removed only when it is a day old: no
file takes so long to write.
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
MODE_OF_A_NEW_FILE = 0o666  # less what the umask takes away
BINARY = getattr(os, "O_BINARY", 0)  # Windows
# A leftover may have been replaced by a link or a pipe: follow none, and wait for none.
AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | BINARY


@contextmanager
def temporary_file(
    target: Path, mode: int = MODE_OF_A_NEW_FILE
) -> Iterator[tuple[Path, IO[bytes]]]:
    """Open a new file in the target's folder, and remove it at the end unless it was renamed.

    What killed writers of the same target left behind is removed first.

    Parameters
    ----------
    target : path
        Without links.
    mode : int
        Permissions, less what the umask takes away.

    Yields
    ------
    path, file
        Of a name whose length does not depend on that of the target's.
    """
    remove_leftovers(target)
    path, descriptor = _created(target, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def remove_leftovers(target: Path) -> None:
    """Remove what killed writers of the target left behind, and nothing that has a writer."""
    of_the_target, here = _prefix(target), prefix_here(target)
    of_old_versions = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.tmp")
    with suppress(OSError):  # the folder need not be readable to be written to
        for name in os.listdir(target.parent):  # noqa: PTH208 - five times faster than iterdir
            if not name.endswith(".tmp"):
                continue
            if name.startswith(of_the_target) or of_old_versions.fullmatch(name):
                with suppress(OSError):  # someone else's, or removed meanwhile
                    _remove_if_dead(target.with_name(name), here=name.startswith(here))


def _remove_if_dead(path: Path, *, here: bool) -> None:
    descriptor = os.open(path, os.O_RDWR | AS_IT_IS)  # NFS locks only what may be written to
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return
        locked = lock(descriptor)
        if locked is False or not ((locked and here) or time.time() - found.st_mtime > DAY):
            return
        path.unlink()  # while it is locked: a writer that has just created it sees that it is gone
    finally:
        os.close(descriptor)


def _created(target: Path, mode: int) -> tuple[Path, int]:
    """Create a temporary file and lock it."""
    while True:
        path = target.with_name(f"{prefix_here(target)}{secrets.token_hex(8)}.tmp")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | AS_IT_IS, mode)
        # Another process may have taken it for a leftover between these two calls.
        if lock(descriptor) is not False and _is_there(path, descriptor):
            return path, descriptor
        os.close(descriptor)
        path.unlink(missing_ok=True)


def _is_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def lock(descriptor: int) -> bool | None:
    """Lock an open file; False where a process holds the lock, None where there are no locks."""
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
    """Return how the names of the target's temporary files begin."""
    return f".handgrad-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:12]}-"


def prefix_here(target: Path) -> str:
    """Return how the names of those begin that are written on this machine."""
    return f"{_prefix(target)}{_machine()}-"


@cache
def _machine() -> str:
    """Return a name of the running kernel, which containers on one machine share."""
    try:
        identity = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        identity = platform.node().encode()
    return hashlib.sha256(identity).hexdigest()[:8]
