"""Runs peers in processes of their own, in turns, and tabulates what they took."""

from __future__ import annotations

import gc
import importlib
import json
import multiprocessing
import os
import platform
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH = 100
PAUSE = 0.05  # seconds, in which the threads of the previous peer go to sleep
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class Timing:
    """The times of one peer in seconds, one per round, and the result that shows its work."""

    peer: str
    threads: int
    seconds: list[float] = field(default_factory=list)
    result: Any = 0.0

    @property
    def median(self) -> float:
        """The median of the rounds, in seconds."""
        return statistics.median(self.seconds)


class PeerProcess:
    """A peer that waits for its turn in a process of its own."""

    def __init__(self, peer: str, threads: int, question: str, task: Any) -> None:
        self.timing = Timing(peer, threads)
        self._pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
        self._process = context.Process(
            target=_serve, args=(theirs, peer, threads, question, task), daemon=True
        )
        self._process.start()
        theirs.close()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        self.missing = self._pipe.recv()

    def run(self) -> tuple[float, float]:
        """Let the peer do its work once; return the seconds it took and its result."""
        time.sleep(PAUSE)
        self._pipe.send("run")
        seconds, result = self._pipe.recv()
        return seconds, result

    def end(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()


def _serve(pipe: Any, peer: str, threads: int, question: str, task: Any) -> None:
    try:
        prepare = getattr(importlib.import_module(f"peers.{peer}"), question)
    except ImportError as error:
        pipe.send(str(error))
        return
    reset, run = prepare(task, threads)
    pipe.send(None)
    gc.disable()
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        reset()
        gc.collect()
        start = time.perf_counter()
        result = run()
        pipe.send((time.perf_counter() - start, float(result)))


def compare(
    question: str,
    task: Any,
    peers: Sequence[str],
    *,
    rounds: int,
    threads: Sequence[int],
    tolerance: float = 1e-4,
) -> list[Timing]:
    """Time the peers in turns; for each, the number of threads that is fastest for it counts.

    The first round is a warm-up: its times are not counted, but its results are compared, so that
    times are compared only between peers that compute the same thing.
    """
    running = []
    for peer in peers:
        for count in threads:
            process = PeerProcess(peer, count, question, task)
            if process.missing:
                Console(stderr=True).print(f"{peer} is left out: {process.missing}")
                break
            running.append(process)
    for process in running:
        _, process.timing.result = process.run()
    _check_results([process.timing for process in running], tolerance)
    for _ in range(rounds):
        for process in running:
            process.timing.seconds.append(process.run()[0])
    for process in running:
        process.end()
    best: dict[str, Timing] = {}
    for process in running:
        timing = process.timing
        if timing.peer not in best or timing.median < best[timing.peer].median:
            best[timing.peer] = timing
    return list(best.values())


def _check_results(timings: Sequence[Timing], tolerance: float) -> None:
    expected = timings[0].result
    for timing in timings:
        if abs(timing.result - expected) > tolerance * abs(expected):
            raise SystemExit(
                f"{timing.peer} computes {timing.result}, {timings[0].peer} {expected}: "
                "not the same thing, so no time is compared."
            )


def time_processes(
    commands: dict[str, list[str]], *, rounds: int, run: Callable[[list[str]], Any]
) -> list[Timing]:
    """Time whole processes in turns, after a warm-up; ``run`` returns a process's result."""
    timings = {peer: Timing(peer, threads=processors()) for peer in commands}
    for turn in range(rounds + 1):
        for peer, command in commands.items():
            time.sleep(PAUSE)
            start = time.perf_counter()
            timings[peer].result = run(command)
            if turn > 0:
                timings[peer].seconds.append(time.perf_counter() - start)
    return list(timings.values())


def processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def report(title: str, timings: Sequence[Timing], *, as_json: bool, per: int = 1) -> None:
    """Print a table, or JSON: medians, spread, and the ratio to the first peer, handgrad.

    The seconds are divided by ``per``, the number of steps or calls in a round.
    """
    rows: list[dict[str, Any]] = [
        {
            "peer": timing.peer,
            "threads": timing.threads,
            "median_ms": timing.median / per * 1e3,
            "least_ms": min(timing.seconds) / per * 1e3,
            "most_ms": max(timing.seconds) / per * 1e3,
            "ratio": timing.median / timings[0].median,
        }
        for timing in timings
    ]
    if as_json:
        print(json.dumps({"question": title, "machine": machine(), "rows": rows}))
        return
    table = Table("peer", title=title, title_justify="left")
    for heading in ("threads", "median", "from", "to", "times handgrad's"):
        table.add_column(heading, justify="right")
    for row in rows:
        figures = (f"{row[name]:.4g} ms" for name in ("median_ms", "least_ms", "most_ms"))
        table.add_row(row["peer"], str(row["threads"]), *figures, f"{row['ratio']:.2f}")
    Console(highlight=False, width=WIDTH).print(table)


def machine() -> str:
    """Describe the machine in one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = "/proc/cpuinfo"
    if os.path.exists(cpuinfo):  # noqa: PTH110
        with open(cpuinfo) as lines:  # noqa: PTH123
            names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {processors()} processors, Python {platform.python_version()}"
