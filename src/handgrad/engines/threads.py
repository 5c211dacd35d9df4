"""How many threads an engine and BLAS may use."""

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
    """Count the processors that this process may use: at most ``OMP_NUM_THREADS``.

    joblib, for example, sets this variable to share processors among the processes that it starts.
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
    """Raise an EngineError unless this is None or a possible number of threads."""
    if threads is not None:
        whole_number("threads", threads, 1, MOST_THREADS, EngineError)


_BLAS_IS_LIMITED = threading.Lock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread, so that its threads do not compete with those of an engine.

    The limit holds for the whole process. If the blocks of several threads overlap, the block that
    began first sets the limit and lifts it at its own end.
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
    """Find the BLAS libraries of the process once, because that takes a millisecond."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
