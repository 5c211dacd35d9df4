"""How much memory the machine has, and how much of it is free."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
# The limits of a container, in the two versions of Linux's control groups.
LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def memory() -> int:
    """Return the bytes of memory of this machine, or `sys.maxsize` if the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return sys.maxsize


def free_memory() -> int:
    """Return the bytes that programs may still take, as far as the system tells.

    A container may take no more than its limit. If the system does not tell how much is free, all
    memory counts as free.
    """
    return min([_available() or memory(), *filter(None, map(_limit, LIMITS))])


def _available() -> int | None:
    """Return what Linux estimates to be available without swapping."""
    try:
        text = MEMINFO.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r"^MemAvailable: +(\d+) kB$", text, re.MULTILINE)
    return found and int(found[1]) * 1024


def _limit(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # ValueError: "max"
        return None
