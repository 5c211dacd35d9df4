"""The same job on Spark and on handgrad: whole processes, in turns."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scaling.parquet import GROUP_ROWS, write_folder
from whole import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handgrad.data import Dataset

PARTITIONS = 2
SOLVERS = {"gd": "gd", "l-bfgs": "lbfgs"}  # Spark's names and ours
ITERATIONS = {"gd": 300, "l-bfgs": 100}
WARM = (20, 80)  # iterations of two fits, whose difference is that of 60 iterations
TIMES = ("job", "job_without_start", "iteration")
SCORES = ("accuracy", "cost")


def why_no_spark() -> str:
    """Say what Spark needs and is missing; empty if nothing is."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed: pip install '.[spark]'"
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        return "there is no Java, which Spark needs: apt-get install openjdk-17-jre-headless"
    return ""


def compared(dataset: Dataset, iterations: int, rounds: int, solver: str) -> dict[str, Any]:
    """Run the jobs in turns, each round from another seed; return their figures, by peer."""
    with tempfile.TemporaryDirectory() as folder:
        commands = _commands(Path(folder), dataset, solver)
        counts = [iterations, *WARM]
        found: dict[str, list[dict[str, float]]] = {peer: [] for peer in commands}
        for seed in range(rounds):
            options = ["--seed", str(seed), "--iterations", *map(str, counts)]
            for peer, command in commands.items():
                found[peer].append(_run([*command, *options]))
    return {peer: _summary(runs) for peer, runs in found.items()}


def _summary(runs: list[dict[str, float]]) -> dict[str, float]:
    """Return the medians of times, and the means of scores, which vary with the seed."""
    times = {name: statistics.median(run[name] for run in runs) for name in TIMES}
    return times | {name: statistics.fmean(run[name] for run in runs) for name in SCORES}


def _commands(folder: Path, dataset: Dataset, solver: str) -> dict[str, list[str]]:
    """Write the rows in the layout that each peer reads fastest; give the peers' commands."""
    parts = {"train": (dataset.X_train, dataset.y_train), "test": (dataset.X_test, dataset.y_test)}
    for name, (X, y) in parts.items():
        write_folder(folder / name, _chunks(X, y))
        _write_lists(folder / f"spark-{name}", X, y)
    handgrad = _program("handgrad_blocks", folder, "train", "test", "--solver", SOLVERS[solver])
    commands = {"handgrad": handgrad, "handgrad on Dask": [*handgrad, "--dask"]}
    if not why_no_spark():
        lists = _program("spark", folder, "spark-train", "spark-test")
        subprocess.run([*lists, "--convert"], check=True, capture_output=True)
        vectors = ("spark-train-vectors", "spark-test-vectors")
        commands["Spark"] = _program("spark", folder, *vectors, "--solver", solver)
    return commands


def _program(name: str, folder: Path, train: str, test: str, *options: str) -> list[str]:
    script = str(PROGRAMS / f"{name}.py")
    return [sys.executable, script, str(folder / train), str(folder / test), *options]


def _chunks(X: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(X), GROUP_ROWS):
        yield X[start : start + GROUP_ROWS], y[start : start + GROUP_ROWS]


def _write_lists(folder: Path, X: np.ndarray, y: np.ndarray) -> None:
    """Write rows as lists of numbers from 0 to 1, which Spark can turn into vectors."""
    folder.mkdir()
    numbers = pa.array((X / np.float32(255)).ravel())
    features = pa.FixedSizeListArray.from_arrays(numbers, X.shape[1])
    table = pa.table({"features": features, "label": pa.array(y.astype(np.int64))})
    pq.write_table(table, folder / "rows.parquet")


def _run(command: list[str]) -> dict[str, float]:
    started = ["--started", str(time.time())]
    printed = subprocess.run([*command, *started], check=True, capture_output=True, text=True)
    report: dict[str, Any] = json.loads(printed.stdout.splitlines()[-1])
    return report | {"iteration": _seconds_of_an_iteration(report["fits"])}


def _seconds_of_an_iteration(fits: Mapping[str, float]) -> float:
    """Divide the difference of two fits by that of their numbers of iterations."""
    (few, less), (many, more) = ((int(count), seconds) for count, seconds in fits.items())
    return (more - less) / (many - few)
