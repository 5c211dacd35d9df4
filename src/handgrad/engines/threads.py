"""How many threads there may be."""

from __future__ import annotations

import os

from handgrad.errors import EngineError


def processors() -> int:
    """Count the processors that this process may use.

    Examples
    --------
    >>> processors() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_threads(threads: int | None) -> None:
    """Raise an EngineError where a number of threads is given and below 1.

    Examples
    --------
    >>> check_threads(2), check_threads(None)
    (None, None)
    """
    if threads is not None and threads < 1:
        raise EngineError(f"threads is {threads}; expected at least 1.")
