"""The data and the initial values that all peers share, and the options of the scripts."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from handgrad import Network, data

if TYPE_CHECKING:
    from handgrad.network import Output

ROWS = 60_000


@dataclass
class Task:
    """What every peer gets: rows, targets, initial values, and the settings of the steps."""

    X: Any  # pixels as bytes, float32, or CSR
    y: np.ndarray  # labels, or values where the output is identity
    parameters: tuple[np.ndarray, ...]
    steps: int = 1
    learning_rate: float = 0.1
    batch_size: int = 0
    solver: str = "sgd"
    output: Output = "softmax"

    @property
    def layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """W and b of each layer, first to last."""
        return list(zip(self.parameters[::2], self.parameters[1::2], strict=True))


def options(description: str, **more: dict[str, Any]) -> argparse.Namespace:
    """Read the command line; ``more`` are options of one script, as argparse takes them."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", help="full MNIST: a folder with its IDX files, or mnist")
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds, after a warm-up")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="few rows: does it run?")
    for name, settings in more.items():
        parser.add_argument(f"--{name}", **settings)
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds = min(chosen.rounds, 2)
    return chosen


def digits(chosen: argparse.Namespace, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray, str]:
    """Return pixels, labels, and what they are."""
    rows = min(rows, 2_000) if chosen.quick else rows
    if chosen.data:
        dataset, name = data.load(chosen.data), "MNIST"
    else:
        dataset, name = data.load("mnist-5k"), "5,000 digits of MNIST, repeated"
    order = np.random.default_rng(0).permutation(len(dataset.X_train))
    order = np.resize(order, rows)
    return dataset.X_train[order], dataset.y_train[order].astype(np.int64), name


def network(
    hidden: int | tuple[int, ...],
    features: int = 784,
    classes: int = 10,
    output: Output = "softmax",
) -> tuple[np.ndarray, ...]:
    """Return initial values, the same for all peers."""
    return Network.initial(
        features=features, hidden=hidden, classes=classes, output=output, seed=1
    ).parameters


def smooth_values(rows: int, features: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Return dense float32 rows, and values that a network can learn from them."""
    random = np.random.default_rng(0)
    X = random.normal(size=(rows, features)).astype(np.float32)
    waves = np.sin(X @ random.normal(0, 0.3, (features, 5))) @ random.normal(size=5)
    return X, (waves + random.normal(0, 0.1, rows)).astype(np.float32)


def text_like(rows: int, features: int = 2**18, nonzeros: int = 100) -> tuple[Any, np.ndarray]:
    """Return sparse rows like those of text: few of many words, some far more often than others."""
    random = np.random.default_rng(0)
    words = (features * random.random((rows, nonzeros)) ** 3).astype(np.int32)
    starts = np.arange(rows + 1) * nonzeros
    values = random.random(rows * nonzeros, dtype=np.float32)
    X = sparse.csr_array((values, words.ravel(), starts), shape=(rows, features))
    X.sum_duplicates()
    scores = np.stack([X @ random.normal(size=features) for _ in range(4)])
    return X, scores.argmax(axis=0)
