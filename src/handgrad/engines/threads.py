"""How many threads there may be."""

from __future__ import annotations

import os

from handgrad.arguments import whole_number
from handgrad.errors import EngineError

MOST_THREADS = 2**31 - 1


def processors() -> int:
    """Count the processors that this process may use.

    No more than ``OMP_NUM_THREADS`` says, with which joblib, for one, shares processors out among
    the processes that it starts.

    Examples
    --------
    >>> processors() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        there = len(os.sched_getaffinity(0))
    else:
        there = os.cpu_count() or 1
    try:
        granted = int(os.environ.get("OMP_NUM_THREADS", "").split(",")[0])
    except ValueError:
        return there
    return min(there, granted) if granted > 0 else there


def check_threads(threads: int | None) -> None:
    """Raise an EngineError where something else than a number of threads is given.

    Examples
    --------
    >>> check_threads(2), check_threads(None)
    (None, None)
    """
    if threads is not None:
        whole_number("threads", threads, 1, MOST_THREADS, EngineError)
