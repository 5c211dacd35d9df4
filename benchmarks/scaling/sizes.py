"""The time of a step against the number of rows, for each place where the rows may lie."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import compare, processors
from peers._blocks import Places
from scaling.clusters import local_cluster
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
    if find_spec("distributed") is None:  # the peers say so
        yield {}
        return
    with ExitStack() as stack:
        started = {workers: stack.enter_context(local_cluster(workers)) for workers in WORKERS}
        yield {workers: cluster.scheduler_address for workers, cluster in started.items()}


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


def step_in_memory(X: np.ndarray, y: np.ndarray, rows: int, rounds: int) -> float:
    """Measure the seconds of a step over rows in memory alone."""
    steps = max(1, ROWS_OF_A_ROUND // rows)
    with folder_of(X, y, rows) as folder:
        return _seconds(Places(f"{folder}/rows"), IN_MEMORY[:1], steps, rounds)[IN_MEMORY[0]]


def _seconds(places: Places, peers: tuple[str, ...], steps: int, rounds: int) -> dict[str, float]:
    task = Task(places, _NO_LABELS, network(10), steps=steps)
    timings = compare("full_batch", task, peers, rounds=rounds, threads=[processors()])
    return {timing.peer: timing.median / steps for timing in timings}


_NO_LABELS: Any = None  # they lie beside the rows
