"""Reads leaves ahead of their use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from handgrad.data.blocks.blocks import Blocks
    from handgrad.data.dataset import Labels, Rows


def read_ahead(
    blocks: Blocks, leaves: Iterable[int], depth: int = 2
) -> Generator[tuple[int, Rows, Labels]]:
    """Yield leaves in the given order."""
    del depth
    for leaf in leaves:
        yield leaf, *blocks.read(leaf)
