"""Runs that are killed with -9 and resumed, compared with a run that nobody disturbs.

    python -m faults.killed_runs --runs 50

Run it in the folder `tests`, or as `.ci/faults`. Each run is killed several times, at moments that
a seed draws; the last one ends. Its weights and its history must be those of the undisturbed run,
bit for bit, whatever the moments.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad import load
from handgrad.files.checkpoint import load_checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = Path(__file__).with_name("spoken_training.py")
SOLVERS: dict[str, list[str]] = {
    "gd": ["--iterations", "60"],
    "sgd": ["--solver", "sgd", "--epochs", "40", "--batch-size", "16"],
    "momentum": ["--solver", "sgd", "--epochs", "40", "--batch-size", "16", "--momentum", "0.9"],
    "nesterov": [
        *("--solver", "sgd", "--epochs", "40", "--batch-size", "16"),
        *("--momentum", "0.9", "--nesterov"),
    ],
    "adam": ["--solver", "adam", "--epochs", "40", "--batch-size", "16"],
    "blocks": ["--solver", "adam", "--epochs", "40", "--batch-size", "16", "--stream"],
}
FILES = ("model", "history")


class Run(NamedTuple):
    """What a run leaves: weights, and costs and accuracies of each iteration."""

    weights: tuple[Any, ...]
    history: list[tuple[str, str]]

    @classmethod
    def of(cls, folder: Path) -> Run:
        """Read what lies in a folder."""
        lines = list(csv.DictReader((folder / "history").read_text().splitlines()))
        figures = [(line["cost"], line["accuracy"]) for line in lines]
        return cls(load(folder / "model").parameters, figures)

    def is_same(self, other: Run) -> bool:
        """Tell whether all bits are the same."""
        pairs = zip(self.weights, other.weights, strict=True)
        return self.history == other.history and all(np.array_equal(a, b) for a, b in pairs)


def write_samples(folder: Path) -> Path:
    """Write labelled rows that take a few steps to learn."""
    random = np.random.default_rng(0)
    X, path = random.normal(size=(120, 3)), folder / "samples.csv"
    y = (X @ [1.0, -2.0, 0.5] > 0).astype(int) + (X[:, 0] > 1)
    rows = "".join(",".join(map(str, [*x, label])) + "\n" for x, label in zip(X, y, strict=True))
    path.write_text(f"a,b,c,label\n{rows}")
    return path


def undisturbed(samples: Path, solver: str, folder: Path) -> Run:
    """Train without checkpoints, and without being killed."""
    _start([str(samples), *SOLVERS[solver]], folder).communicate()
    return Run.of(folder)


def killed_after(samples: Path, solver: str, folder: Path, checkpoints: int) -> None:
    """Begin or resume a run, and kill it soon after so many checkpoints."""
    with _start(_arguments(samples, solver, folder), folder) as process:
        assert process.stdout is not None
        for _ in range(checkpoints):
            process.stdout.readline()
        process.kill()


def finished(samples: Path, solver: str, folder: Path) -> Run:
    """Resume a run and let it end."""
    process = _start(_arguments(samples, solver, folder), folder)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    expected = {*FILES, "checkpoint"}
    assert {path.name for path in folder.iterdir()} == expected, "a file that nobody needs"
    return Run.of(folder)


def _arguments(samples: Path, solver: str, folder: Path) -> list[str]:
    checkpoint = folder / "checkpoint"
    written = ["--checkpoint", str(checkpoint), "--every", "1"]
    if not checkpoint.exists():
        return [str(samples), *SOLVERS[solver], *written]
    load_checkpoint(checkpoint)  # it is whole
    return ["--resume", str(checkpoint), *written]


def _start(arguments: list[str], folder: Path) -> subprocess.Popen[str]:
    outputs = ["--out", str(folder / "model"), "--history", str(folder / "history")]
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *arguments, *outputs],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _killed_at_some_time(
    samples: Path, solver: str, folder: Path, random: Random, longest: float
) -> None:
    """Begin or resume a run, and kill it after a time that is drawn."""
    with _start(_arguments(samples, solver, folder), folder) as process:
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=random.uniform(0.3, 1.1) * longest)
        process.kill()


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill runs of every solver in turn; return 1 if one ends in other bits."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=50, help="of all solvers together")
    parser.add_argument("--kills", type=int, default=3, help="of each run, at most")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    asked = parser.parse_args(arguments)
    random, same, kills = Random(asked.seed), 0, 0
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        samples = write_samples(root)
        expected, durations = {}, {}
        for solver in SOLVERS:
            folder = root / solver
            folder.mkdir()
            started = time.monotonic()
            expected[solver] = undisturbed(samples, solver, folder)
            durations[solver] = time.monotonic() - started
        for number in range(asked.runs):
            solver = list(SOLVERS)[number % len(SOLVERS)]
            folder = root / f"run {number}"
            folder.mkdir()
            for _ in range(random.randint(1, asked.kills)):
                _killed_at_some_time(samples, solver, folder, random, durations[solver])
                kills += 1
            right = finished(samples, solver, folder).is_same(expected[solver])
            same += right
            print(
                f"run {number + 1}, {solver}: {'same bits' if right else 'OTHER BITS'}", flush=True
            )
    print(
        f"{same} of {asked.runs} runs end in the bits of the undisturbed one, after {kills} kills"
    )
    return int(same != asked.runs)


if __name__ == "__main__":
    sys.exit(main())
