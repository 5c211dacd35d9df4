"""What an iteration would take on larger clusters, from costs that are measured here.

An iteration waits for one task per worker, which the scheduler sends out and collects one after
another, and for the slowest of the passes:

    seconds = fixed + per_worker · workers + rows · per_row / (machines · threads)

The costs come from iterations on so few rows that they compute nothing. ``per_worker`` is the time
of the processor that client and scheduler need for one more task, because tasks pass through them
one after another. ``fixed`` is the rest of such an iteration with one worker. The time of a network
is not in it: every worker sends its sums, 64 kB per node of the tree.
"""

from __future__ import annotations

import logging
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import Network
from handgrad.data import Blocks
from handgrad.objective import Objective

if TYPE_CHECKING:
    from collections.abc import Sequence

WORKERS = (1, 2, 4, 8)
MACHINES = (1, 2, 10, 100, 1_000)
ITERATIONS = 20


@dataclass(frozen=True)
class Costs:
    """The seconds that an iteration is made of."""

    fixed: float
    per_worker: float
    per_row: float
    """Of one thread."""
    threads: int
    """Of a machine."""

    def in_process(self, rows: int) -> float:
        """Return the seconds of an iteration on one machine without a cluster."""
        return rows * self.per_row / self.threads

    def on_cluster(self, rows: int, machines: int) -> float:
        """Return the seconds of an iteration on machines with one worker each."""
        return self.fixed + self.per_worker * machines + self.in_process(rows) / machines

    def break_even(self, machines: int) -> float:
        """Return the number of rows below which one machine without a cluster is faster."""
        overhead = self.fixed + self.per_worker * machines
        return overhead * self.threads / (self.per_row * (1 - 1 / machines))


def local_cluster(workers: int) -> Any:
    """Start processes of one thread each."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        memory_limit=0,
        silence_logs=logging.CRITICAL,  # a worker need not complain about its end
    )


def costs(per_row: float, threads: int, rounds: int) -> Costs:
    """Measure what an iteration costs without any work."""
    measured = [_overhead(workers, rounds) for workers in WORKERS]
    per_worker = float(np.polyfit(WORKERS, [own for _, own in measured], 1)[0])
    return Costs(measured[0][0] - per_worker, per_worker, per_row, threads)


def _overhead(workers: int, rounds: int) -> tuple[float, float]:
    """Return the seconds of an iteration without work, and those of this process's processor.

    Client and scheduler share this process.
    """
    from handgrad.engines.dask import DaskEngine

    random = np.random.default_rng(0)
    X = random.integers(256, size=(max(WORKERS), 784)).astype(np.uint8)
    blocks = Blocks.of(X, np.arange(max(WORKERS)), leaf_rows=1)
    network = Network.initial(features=784, hidden=10, classes=max(WORKERS), seed=0)
    with local_cluster(workers) as cluster, DaskEngine(cluster.scheduler_address) as engine:
        session = engine.session(blocks, None, Objective())
        times = [_descent(session, network) for _ in range(rounds + 1)][1:]
    wall, own = (statistics.median(part) / ITERATIONS for part in zip(*times, strict=True))
    return wall, own


def _descent(session: Any, network: Network) -> tuple[float, float]:
    wall, own = time.perf_counter(), time.process_time()
    session.descend(network, learning_rate=0.1, iterations=ITERATIONS)
    return time.perf_counter() - wall, time.process_time() - own


def table(found: Costs, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Return the model's milliseconds for each size and number of machines."""
    return [
        {
            "rows": rows,
            "in_process_ms": 1e3 * found.in_process(rows),
            "cluster_ms": {
                str(machines): 1e3 * found.on_cluster(rows, machines) for machines in MACHINES[1:]
            },
        }
        for rows in sizes
    ]
