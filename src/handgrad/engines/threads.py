"""How many threads there may be."""

from __future__ import annotations

import os

from handgrad.errors import EngineError
from handgrad.quoting import quoted

MOST_THREADS = 4096  # more than any machine has processors


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
    """Raise an EngineError where a number of threads is given and out of range.

    Examples
    --------
    >>> check_threads(2), check_threads(None)
    (None, None)
    """
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise EngineError(f"threads is {quoted(threads)}; expected 1 to {MOST_THREADS}.")
