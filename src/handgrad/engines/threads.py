"""How many threads there may be, in the engines and beside them."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from handgrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    """Raise an EngineError where a number of threads is given and below 1.

    Examples
    --------
    >>> check_threads(2), check_threads(None)
    (None, None)
    """
    if threads is not None and threads < 1:
        raise EngineError(f"threads is {threads}; expected at least 1.")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread, so that its threads do not take the processors of an engine's.

    The limit holds for the whole process until the last of all overlapping blocks ends.

    Examples
    --------
    >>> import scipy.linalg
    >>> with one_blas_thread():
    ...     [library["num_threads"] for library in _controller().select(user_api="blas").info()][0]
    1
    """
    _LIMIT.begin()
    try:
        yield
    finally:
        _LIMIT.end()


class _Limit:
    """The limit of BLAS, which overlapping blocks in several threads share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = 0
        self._limiter: Any = None

    def begin(self) -> None:
        with self._lock:
            if self._blocks == 0:
                self._limiter = _controller().limit(limits=1, user_api="blas")
            self._blocks += 1

    def end(self) -> None:
        with self._lock:
            self._blocks -= 1
            if self._blocks == 0:
                self._limiter.restore_original_limits()


_LIMIT = _Limit()


@cache
def _controller() -> Any:
    """Find the BLAS libraries of the process, once, since that takes a millisecond."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
