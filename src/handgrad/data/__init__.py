"""Data: one reader per format, and one function that picks it."""

from handgrad.data.dataset import Dataset, Samples, match_labels
from handgrad.data.sources import load, load_samples

__all__ = ["Dataset", "Samples", "load", "load_samples", "match_labels"]
