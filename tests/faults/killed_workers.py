"""Runs on a cluster whose workers are killed with -9, compared with runs of one process.

    python -m faults.killed_workers --runs 20

Run it in the folder `tests`, or as `.ci/faults`. Each run loses a worker at a moment that a seed
draws, and another one starts in its place. The weights and the costs must be those of one process,
bit for bit, whatever the moments.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Timer
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad import Network, solvers
from handgrad.data import open_blocks
from handgrad.engines import Adam, Sgd
from handgrad.engines.dask import DaskEngine
from handgrad.engines.dask.cluster import UNUSED_PORT
from handgrad.engines.native import NativeEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from handgrad.data import Blocks
    from handgrad.engines import Engine

    Solve = Callable[[Engine, Network, Blocks], solvers.Result]

M, D, CLASSES, LEAF_ROWS = 40_000, 50, 4, 512


def _gd(engine: Engine, network: Network, blocks: Blocks) -> solvers.Result:
    return solvers.gd(engine, network, blocks, None, learning_rate=0.1, iterations=60)


def _lbfgs(engine: Engine, network: Network, blocks: Blocks) -> solvers.Result:
    return solvers.lbfgs(engine, network, blocks, None, iterations=40)


def _sgd(engine: Engine, network: Network, blocks: Blocks) -> solvers.Result:
    return solvers.sgd(engine, network, blocks, None, rule=Sgd(0.05, momentum=0.9), epochs=4)


def _adam(engine: Engine, network: Network, blocks: Blocks) -> solvers.Result:
    return solvers.sgd(engine, network, blocks, None, rule=Adam(0.01), epochs=4)


SOLVERS: dict[str, Solve] = {"gd": _gd, "lbfgs": _lbfgs, "sgd": _sgd, "adam": _adam}


class Run(NamedTuple):
    """What a run ends in."""

    parameters: tuple[Any, ...]
    costs: list[float]

    @classmethod
    def of(cls, result: solvers.Result) -> Run:
        """Return what is compared of a result."""
        return cls(result.network.parameters, result.costs.tolist())

    def is_same(self, other: Run) -> bool:
        """Tell whether all bits are the same."""
        pairs = zip(self.parameters, other.parameters, strict=True)
        return self.costs == other.costs and all(np.array_equal(a, b) for a, b in pairs)


def write_rows(folder: Path) -> Blocks:
    """Write labelled rows as blocks that the workers read."""
    random = np.random.default_rng(0)
    X = random.normal(size=(M, D)).astype(np.float32)
    scores = X @ random.normal(size=(D, CLASSES))
    labels = scores.argmax(axis=1)
    np.savez(folder / "rows.npz", X=X, y=labels)
    return open_blocks(folder / "rows.npz", leaf_rows=LEAF_ROWS)


def kill_one(cluster: Any, random: Random) -> None:
    """Kill the process of a worker; its nanny starts another one, at another address.

    A nanny does not restart a worker that dies while it starts, so such a worker is spared.
    """
    while not (running := [n for n in cluster.workers.values() if n.status.name == "running"]):
        time.sleep(0.01)
    os.kill(random.choice(running).pid, signal.SIGKILL)


def restore(cluster: Any, client: Any) -> None:
    """Wait for two workers, and start one in place of a worker that its nanny gave up."""
    while len(client.scheduler_info(n_workers=-1)["workers"]) < 2:
        cluster.scale(2)
        time.sleep(0.1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill a worker of each run; return 1 if one ends in other bits."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20, help="of all solvers together")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    asked = parser.parse_args(arguments)
    random, same = Random(asked.seed), 0
    network = Network.initial(features=D, hidden=10, classes=CLASSES, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        blocks = write_rows(Path(folder))
        with _two_workers() as (_, engine):
            undisturbed = dict(_undisturbed(engine, network, blocks))
        for number in range(asked.runs):
            solver = list(SOLVERS)[number % len(SOLVERS)]
            expected, seconds = undisturbed[solver]
            with _two_workers() as (cluster, engine):
                killer = Timer(random.uniform(0, seconds), kill_one, (cluster, random))
                killer.start()
                right = Run.of(SOLVERS[solver](engine, network, blocks)).is_same(expected)
                killer.join()
            same += right
            print(
                f"run {number + 1}, {solver}: {'same bits' if right else 'OTHER BITS'}", flush=True
            )
    print(f"{same} of {asked.runs} runs with a killed worker end in the bits of one process")
    return int(same != asked.runs)


@contextmanager
def _two_workers() -> Iterator[tuple[Any, DaskEngine]]:
    """Start a cluster of two processes, and an engine that uses it."""
    from distributed import LocalCluster

    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": UNUSED_PORT},
            silence_logs=logging.CRITICAL,
        ) as cluster,
        DaskEngine(cluster.scheduler_address) as engine,
    ):
        yield cluster, engine


def _undisturbed(
    engine: DaskEngine, network: Network, blocks: Blocks
) -> Iterator[tuple[str, tuple[Run, float]]]:
    """Train in one process, and measure how long the cluster takes."""
    one_process = NativeEngine()
    one_process.instruction_set = engine.instruction_set
    for name, solve in SOLVERS.items():
        started = time.monotonic()
        on_cluster = Run.of(solve(engine, network, blocks))
        seconds = time.monotonic() - started
        expected = Run.of(solve(one_process, network, blocks))
        assert on_cluster.is_same(expected), name
        yield name, (expected, seconds)


if __name__ == "__main__":
    sys.exit(main())
