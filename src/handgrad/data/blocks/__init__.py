"""Rows beyond memory: blocks of a fixed number of rows, which any source gives in any order."""

from handgrad.data.blocks.ahead import read_ahead
from handgrad.data.blocks.blocks import Blocks
from handgrad.data.blocks.census import LEAF_ROWS
from handgrad.data.blocks.dataset import BlockDataset
from handgrad.data.blocks.opening import open_blocks
from handgrad.data.blocks.recycling import Recycled

__all__ = ["LEAF_ROWS", "BlockDataset", "Blocks", "Recycled", "open_blocks", "read_ahead"]
