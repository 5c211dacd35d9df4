"""Whole programs: the files they read, and how they are run."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path(__file__).parent / "programs"


@contextlib.contextmanager
def programs(
    X: np.ndarray, y: np.ndarray, iterations: int, memory: str = ""
) -> Iterator[dict[str, list[str]]]:
    """Write rows and labels to files, and give each peer's command."""
    with _files(X, y) as paths:
        arguments = [*paths, str(iterations), memory]
        yield {
            peer: [sys.executable, str(PROGRAMS / f"{peer}.py"), *arguments]
            for peer in ("handgrad_native", "scikit_learn", "pytorch")
        }


@contextlib.contextmanager
def scripts(X: np.ndarray, y: np.ndarray, iterations: int) -> Iterator[dict[str, list[str]]]:
    """Write rows and labels to files, and give the script's command with either package."""
    with _files(X, y) as paths:
        script = str(PROGRAMS / "classifier.py")
        yield {
            package: [sys.executable, script, package, *paths, str(iterations)]
            for package in ("handgrad", "sklearn")
        }


@contextlib.contextmanager
def _files(X: np.ndarray, y: np.ndarray) -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/X.npy", X)
        np.save(f"{folder}/y.npy", y)
        yield [f"{folder}/X.npy", f"{folder}/y.npy"]


def printed_list(command: list[str]) -> list[float]:
    """Run a program; return the list that it prints as JSON."""
    numbers: list[float] = json.loads(_printed(command))
    return numbers


def last_number(command: list[str]) -> float:
    """Run a program; return the last number that it prints."""
    return float(_printed(command).split()[-1])


def _printed(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
