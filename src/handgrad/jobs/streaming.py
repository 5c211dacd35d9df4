"""Whether a source is read in blocks, and how."""

from __future__ import annotations

from dataclasses import dataclass, replace
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad import data
from handgrad.memory import free_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handgrad.data import Blocks
    from handgrad.data.targets import TargetColumns

SHARE_IN_MEMORY = 1 / 4  # of the free memory
MOST_UNPACKED = 20  # bytes that one byte of a file may become in memory


@dataclass(frozen=True)
class Streaming:
    """How rows beyond memory are read.

    Parameters
    ----------
    wanted : bool
        Whether the rows are read in blocks even if they fit into memory. Otherwise, they are if
        they take more than a quarter of the free memory.
    window : int, optional
        How many leaves of 8,192 rows lie in memory together; 8 by default.
    cache : path, optional
        A folder that keeps decoded rows.
    say : callable, optional
        Called with a text before a pass over the source.
    """

    wanted: bool = False
    window: int | None = None
    cache: Path | None = None
    say: Callable[[str], object] | None = None

    def continuing(self, window: int | None) -> Streaming:
        """Return how a run continues: with its window so far, or in memory if that is None."""
        if window is None or self.window is not None:
            return self
        return replace(self, wanted=True, window=window)

    def blocks_of(
        self, source: str, targets: TargetColumns, features: Sequence[str] | None = None
    ) -> Blocks | None:
        """Open a source as blocks; return None if its rows are to be read into memory."""
        if not self.wanted and not _may_be_large(source):
            return None
        blocks = self.open(source, targets, features)
        size = blocks.rows * blocks.bytes_per_row
        return blocks if self.wanted or size > SHARE_IN_MEMORY * free_memory() else None

    def open(
        self, source: str, targets: TargetColumns, features: Sequence[str] | None = None
    ) -> Blocks:
        """Open a source as blocks; of sources with parts, that to train on."""
        blocks = data.open_blocks(
            source,
            targets.names,
            features=features,
            cache=self.cache,
            on_pass=self.say,
            predicts=targets.predicts,
        )
        return blocks if self.window is None else replace(blocks, window=self.window)


def _may_be_large(source: str) -> bool:
    """Tell, by the size of its files, whether a source may not fit into memory."""
    if "://" in source or has_magic(source):
        return True
    path, left = Path(source), SHARE_IN_MEMORY * free_memory() / MOST_UNPACKED
    try:
        for file in path.rglob("*") if path.is_dir() else [path]:
            left -= file.stat().st_size if file.is_file() else 0
            if left < 0:  # a folder may hold millions of other files
                return True
    except (OSError, ValueError):  # the reader says what is wrong
        pass
    return False
