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

    def read(self, start, stop):
        try:
            table = np.load(self.path, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DataError(f"{self.path.name} cannot be read ({error}).") from error
        return np.array(table["X"][start:stop]), np.array(table["y"][start:stop])


def file_blocks(path, X, y, **options):
    """Write rows to a file, and return them as blocks that are read from there."""
    table = np.empty(len(y), dtype=[("X", X.dtype, X.shape[1:]), ("y", y.dtype)])
    table["X"], table["y"] = X, y
    np.save(path, table)
    return replace(Blocks.of(X, y, **options), reader=FileReader(path))
