"""MNIST-like rows in any number: the real digits, each shifted by up to two pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

REACH = 2  # pixels, in each of the four directions
SIDE = 28


def shifted_digits(
    X: np.ndarray, y: np.ndarray, rows: int, *, chunk: int, seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw rows in chunks; the memory that this takes depends on ``X`` and ``chunk`` alone."""
    random = np.random.default_rng(seed)
    frames = np.pad(X.reshape(-1, SIDE, SIDE), ((0, 0), (REACH, REACH), (REACH, REACH)))
    views = np.lib.stride_tricks.sliding_window_view(frames, (SIDE, SIDE), axis=(1, 2))
    for start in range(0, rows, chunk):
        count = min(chunk, rows - start)
        digit = random.integers(len(X), size=count)
        down, right = random.integers(2 * REACH + 1, size=(2, count))
        yield views[digit, down, right].reshape(count, SIDE * SIDE), y[digit]
