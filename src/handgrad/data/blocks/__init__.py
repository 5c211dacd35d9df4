"""Rows beyond memory: blocks of a fixed number of rows, which any source gives in any order."""

from handgrad.data.blocks.ahead import read_ahead
from handgrad.data.blocks.blocks import LEAF_ROWS, Blocks

__all__ = ["LEAF_ROWS", "Blocks", "read_ahead"]
