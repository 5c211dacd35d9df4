"""How many threads there may be, in the engines and beside them."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from handgrad.arguments import whole_number
from handgrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

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


_BLAS_IS_LIMITED = threading.Lock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread, so that its threads do not take the processors of an engine's.

    The limit holds for the whole process. Where blocks of several threads overlap, the first one
    sets it, and gives the threads back at its own end: whoever else did it could be too late.

    Examples
    --------
    >>> import scipy.linalg
    >>> with one_blas_thread():
    ...     [library["num_threads"] for library in _controller().select(user_api="blas").info()][0]
    1
    """
    if not _BLAS_IS_LIMITED.acquire(blocking=False):
        yield
        return
    try:
        with _controller().limit(limits=1, user_api="blas"):
            yield
    finally:
        _BLAS_IS_LIMITED.release()


@cache
def _controller() -> Any:
    """Find the BLAS libraries of the process, once, since that takes a millisecond."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
