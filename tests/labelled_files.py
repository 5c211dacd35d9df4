"""Blocks whose rows lie in a file, for processes that open it themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from handgrad.data import Blocks
from handgrad.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class FileReader:
    """Reads a file of NumPy: a structure of X and y."""

    path: Path
    leaf_rows: int
    in_processes = False

    def read(self, leaf):
        try:
            table = np.load(self.path, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DataError(f"{self.path.name} cannot be read ({error}).") from error
        rows = slice(leaf * self.leaf_rows, (leaf + 1) * self.leaf_rows)
        return np.array(table["X"][rows]), np.array(table["y"][rows])


def file_blocks(path, X, y, *, leaf_rows):
    """Write rows and labels 0 to K - 1 to a file, and return them as blocks that read it."""
    table = np.empty(len(y), dtype=[("X", X.dtype, X.shape[1:]), ("y", y.dtype)])
    table["X"], table["y"] = X, y
    np.save(path, table)
    return replace(Blocks.of(X, y, leaf_rows=leaf_rows), reader=FileReader(path, leaf_rows))
