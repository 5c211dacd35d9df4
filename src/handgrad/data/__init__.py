"""Data: one reader per format, and functions that pick the reader of a source."""

from handgrad.data.blocks import BlockDataset, Blocks, open_blocks
from handgrad.data.dataset import Dataset, Samples, match_labels
from handgrad.data.named import USUAL_SOURCE
from handgrad.data.sources import load, load_samples
from handgrad.data.targets import PREDICTS, USUAL_LABEL, Predicts

__all__ = [
    "PREDICTS",
    "USUAL_LABEL",
    "USUAL_SOURCE",
    "BlockDataset",
    "Blocks",
    "Dataset",
    "Predicts",
    "Samples",
    "load",
    "load_samples",
    "match_labels",
    "open_blocks",
]
