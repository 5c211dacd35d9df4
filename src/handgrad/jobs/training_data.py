"""The data of a training job: in memory, or in blocks if they are larger than that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad import data
from handgrad.data import BlockDataset
from handgrad.data.dataset import check_several_classes
from handgrad.jobs.inputs import check_features
from handgrad.memory import free_memory
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handgrad.data import Blocks, Dataset

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

    def open(self, source: str, label: str, features: Sequence[str] | None = None) -> Blocks:
        """Open a source as blocks; of sources with parts, that to train on."""
        blocks = data.open_blocks(
            source, label, features=features, cache=self.cache, on_pass=self.say
        )
        return blocks if self.window is None else replace(blocks, window=self.window)


def training_data(
    source: str,
    test: str | None,
    label: str,
    features: Sequence[str] | None = None,
    streaming: Streaming | None = None,
) -> Dataset | BlockDataset:
    """Read or open a source to train and to test on.

    If neither the source nor ``test`` has test samples, every fifth sample of each class is held
    out.
    """
    streaming = streaming or Streaming()
    if streaming.wanted or _may_be_large(source):
        blocks = streaming.open(source, label, features)
        size = blocks.rows * blocks.bytes_per_row
        if streaming.wanted or size > SHARE_IN_MEMORY * free_memory():
            return _in_blocks(blocks, test, label, streaming)
    return _in_memory(source, test, label, features)


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


def _in_blocks(blocks: Blocks, test: str | None, label: str, streaming: Streaming) -> BlockDataset:
    check_several_classes(named(blocks.source), blocks.class_names)
    if test is None:
        own = blocks.test_part()
        train, tested = blocks.with_held_out() if own is None else (blocks, own)
        return BlockDataset(train, tested if tested.rows else None)
    tested = streaming.open(test, label, blocks.feature_names)
    check_features(tested.features, test, blocks.features, f"{named(blocks.source)} has")
    tested = tested.test_part() or tested
    return BlockDataset(blocks, tested.with_classes(blocks.class_names))


def _in_memory(
    source: str, test: str | None, label: str, features: Sequence[str] | None
) -> Dataset:
    dataset = data.load(source, label=label, features=features)
    if test is None:
        return dataset if len(dataset.X_test) else dataset.with_held_out_test()
    samples = data.load_samples(
        test, label=label, image_shape=dataset.image_shape, features=dataset.feature_names
    )
    check_features(samples.X.shape[1], test, dataset.features, f"{named(source)} has")
    return dataset.with_test(samples)
