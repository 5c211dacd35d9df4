"""Rows whose labels are numbers of classes already, as blocks."""

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

    from handgrad.network import Network


@dataclass(frozen=True, eq=False)
class NumberedProblem(Problem):
    """Blocks whose labels are those of the network: the rows may lack its last classes."""

    def check(self, network: Network) -> None:
        """Raise a ShapeError unless the network fits; see `Problem`."""
        classes = np.arange(max(network.classes, len(self.blocks.classes)))
        Problem(replace(self.blocks, classes=classes), self.objective).check(network)


def numbered_blocks(client: Client, X: Any, y: Any) -> Blocks:
    """Return rows and labels 0 to K - 1 as blocks.

    Raises
    ------
    ShapeError
        If y is not one such label for each row.
    """
    if is_collection(X):
        _check_numbers(y.dtype)
        blocks = _numbered(blocks_of(client, X, y))
        reader: Any = blocks.reader
        return replace(blocks, reader=replace(reader, classes=blocks.classes))
    pixels = not isinstance(X, Bytes)
    rows = _plain(X)
    labels = as_array("y", y)
    if rows.ndim != 2 or labels.shape != rows.shape[:1] or not len(labels):
        raise ShapeError(
            f"X has shape {rows.shape} and y {labels.shape}; expected a matrix, and one label for "
            "each of its rows."
        )
    _check_numbers(labels.dtype)
    blocks = Blocks.of(rows, labels)
    as_given = Renumbered(blocks.reader, blocks.classes)
    return replace(_numbered(blocks), reader=as_given, pixels=pixels)


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
