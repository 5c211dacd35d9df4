"""The time of a step against the number of rows, for each place where the rows may lie."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import compare, processors
from peers._blocks import Places
from scaling.parquet import GROUP_ROWS, write_folder
from scaling.shifted import shifted_digits
from tasks import Task, network

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

IN_MEMORY = ("rows_in_memory", "blocks_kept", "dask_one", "dask_two")
READ = ("rows_in_memory", "blocks_cached", "blocks_cold", "blocks_parquet")
WORKERS = (1, 2)
ROWS_OF_A_ROUND = 4_000_000


@contextmanager
def clusters() -> Iterator[dict[int, str]]:
    """Start clusters of one and of two processes with one thread each; give their addresses."""
    try:
        from distributed import LocalCluster
    except ImportError:  # the peers say so
        yield {}
        return
    with ExitStack() as stack:
        yield {
            workers: stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=":0",
                    memory_limit=0,
                )
            ).scheduler_address
            for workers in WORKERS
        }


@contextmanager
def folder_of(X: np.ndarray, y: np.ndarray, rows: int) -> Iterator[str]:
    """Write MNIST-like rows to a folder of Parquet files."""
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder) / "rows", shifted_digits(X, y, rows, chunk=GROUP_ROWS))
        yield folder


def step_times(X: np.ndarray, y: np.ndarray, rows: int, rounds: int) -> dict[str, float]:
    """Measure the seconds of a step over so many rows, by peer.

    Peers that hold the rows take many steps in a run. Peers that read them take a single one, and
    are compared with a single step in memory.
    """
    with folder_of(X, y, rows) as folder, clusters() as addresses:
        places = Places(f"{folder}/rows", f"{folder}/cache", addresses)
        steps = max(1, ROWS_OF_A_ROUND // rows)
        held = _seconds(places, IN_MEMORY, steps, rounds)
        read = _seconds(places, READ, 1, rounds)
    return held | {f"{peer}, one step": time for peer, time in read.items()}


def _seconds(places: Places, peers: tuple[str, ...], steps: int, rounds: int) -> dict[str, float]:
    task = Task(places, _NO_LABELS, network(10), steps=steps)
    timings = compare("full_batch", task, peers, rounds=rounds, threads=[processors()])
    return {timing.peer: timing.median / steps for timing in timings}


_NO_LABELS: Any = None  # they lie beside the rows
