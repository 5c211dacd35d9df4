"""What an iteration would take on larger clusters, from costs that are measured here.

An iteration waits for one task per worker, which the scheduler sends out and collects one after
another, and for the slowest of the passes:

    seconds = fixed + per_worker · workers + rows · per_row / (machines · threads)

``fixed`` and ``per_worker`` come from iterations on so few rows that they compute nothing, with 1
to 8 workers. The network's time is not in it: every worker sends its sums, 64 kB per node.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

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


def costs(per_row: float, threads: int, rounds: int) -> Costs:
    """Measure what the scheduler costs, and fit a line to it."""
    overheads = [_overhead(workers, rounds) for workers in WORKERS]
    per_worker, fixed = np.polyfit(WORKERS, overheads, 1)
    return Costs(max(float(fixed), 0.0), max(float(per_worker), 0.0), per_row, threads)


def _overhead(workers: int, rounds: int) -> float:
    """Return the seconds of an iteration that computes next to nothing."""
    from distributed import LocalCluster

    from handgrad.engines.dask import DaskEngine

    random = np.random.default_rng(0)
    X = random.integers(256, size=(max(WORKERS), 784)).astype(np.uint8)
    blocks = Blocks.of(X, np.arange(max(WORKERS)), leaf_rows=1)
    network = Network.initial(features=784, hidden=10, classes=max(WORKERS), seed=0)
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        DaskEngine(cluster.scheduler_address) as engine,
    ):
        session = engine.session(blocks, None, Objective())
        times = [_descent(session, network) for _ in range(rounds + 1)]
    return statistics.median(times[1:]) / ITERATIONS


def _descent(session: object, network: Network) -> float:
    start = time.perf_counter()
    session.descend(network, learning_rate=0.1, iterations=ITERATIONS)  # type: ignore[attr-defined]
    return time.perf_counter() - start


def table(found: Costs, sizes: Sequence[int]) -> list[dict[str, object]]:
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
