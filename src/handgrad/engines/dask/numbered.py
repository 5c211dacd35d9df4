"""Rows whose targets are those of a network already, as blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data import Blocks
from handgrad.data.blocks.readers import Renumbered
from handgrad.engines.dask.collections import blocks_of, is_collection
from handgrad.engines.leaves import Problem
from handgrad.errors import ShapeError
from handgrad.rows import Bytes, as_array, is_sparse

if TYPE_CHECKING:
    import numpy.typing as npt
    from distributed import Client

    from handgrad.data import Predicts
    from handgrad.network import Network, Output


@dataclass(frozen=True, eq=False)
class NumberedProblem(Problem):
    """Blocks whose labels are those of the network: the rows may lack its last classes."""

    def check(self, network: Network) -> None:
        """Raise a ShapeError unless the network fits; see `Problem`."""
        blocks = self.blocks
        if blocks.predicts == "classes":
            classes = np.arange(max(network.classes, blocks.outputs))
            blocks = replace(blocks, classes=classes)
        Problem(blocks, self.objective, self.weights).check(network)


def numbered_blocks(client: Client, X: Any, y: Any, output: Output) -> Blocks:
    """Return rows and targets as blocks: labels 0 to K - 1, or a matrix of labels or values.

    Raises
    ------
    ShapeError
        If y is not one such target for each row.
    """
    predicts = _predicted(output, y)
    if predicts != "classes":
        return _with_numbers(client, X, y, predicts)
    if is_collection(X):
        _check_numbers(y.dtype)
        blocks = _numbered(blocks_of(client, X, y))
        reader: Any = blocks.reader
        return replace(blocks, reader=replace(reader, classes=blocks.classes))
    pixels = not isinstance(X, Bytes)
    rows = _plain(X)
    labels = as_array("y", y)
    _check_shapes(rows, labels, dimensions=1)
    _check_numbers(labels.dtype)
    blocks = Blocks.of(rows, labels)
    as_given = Renumbered(blocks.reader, blocks.classes)
    return replace(_numbered(blocks), reader=as_given, pixels=pixels)


def _predicted(output: Output, y: Any) -> Predicts:
    """Return what a network with an output predicts if y is what it is trained on."""
    if output in ("identity", "exp"):
        return "values"
    is_of_labels = output == "logistic" and np.ndim(y) == 2
    return "labels" if is_of_labels else "classes"


def _with_numbers(client: Client, X: Any, y: Any, predicts: Predicts) -> Blocks:
    """Return rows and labels or values as blocks."""
    if is_collection(X):
        return blocks_of(client, X, y, predicts=predicts)
    rows, given = _plain(X), as_array("y", y)
    _check_shapes(rows, given, dimensions=2)
    blocks = Blocks.of(rows, given, predicts=predicts)
    return replace(blocks, pixels=not isinstance(X, Bytes))


def _check_shapes(rows: Any, y: npt.NDArray[Any], *, dimensions: int) -> None:
    is_one_each = 1 <= y.ndim <= dimensions and y.shape[:1] == rows.shape[:1]
    if rows.ndim != 2 or not is_one_each or not len(y):
        raise ShapeError(
            f"X has shape {rows.shape} and y {y.shape}; expected a matrix, and one label for "
            "each of its rows."
        )


def _check_numbers(dtype: Any) -> None:
    if getattr(dtype, "kind", "") not in "ui":
        raise ShapeError(f"y holds {dtype} values; expected integers, the numbers of classes.")


def _plain(X: Any) -> Any:
    if isinstance(X, Bytes):
        return X.values if X.scale == 1 else X.values * float(X.scale)
    return X.tocsr() if is_sparse(X) else as_array("X", X)


def _numbered(blocks: Blocks) -> Blocks:
    """Return the same blocks with all classes from 0 to the largest label."""
    found: npt.NDArray[Any] = blocks.classes
    if found.min() < 0:
        raise ShapeError(
            f"y holds labels from {found.min()} on; expected the numbers of classes, from 0."
        )
    classes = np.arange(int(found.max()) + 1)
    counts = np.zeros((len(blocks), len(classes)), dtype=np.int64)
    counts[:, found] = blocks.counts
    return replace(blocks, classes=classes, counts=counts)
