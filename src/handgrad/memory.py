"""The size of the memory."""

from __future__ import annotations

import os
import sys


def memory() -> int:
    """Return the bytes of memory of this machine, or `sys.maxsize` if the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return sys.maxsize
