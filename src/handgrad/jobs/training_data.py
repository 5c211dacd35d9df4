"""The data of a training job: in memory, or in blocks if they are larger than that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from handgrad import data
from handgrad.data import BlockDataset
from handgrad.data.dataset import check_several_classes
from handgrad.jobs.inputs import check_features
from handgrad.jobs.streaming import Streaming
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handgrad.data import Blocks, Dataset
    from handgrad.data.targets import TargetColumns


# Classes that are numbers, but so many that few samples share one, may be meant as values.
MANY_CLASSES, ROWS_PER_CLASS = 20, 5
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")


def training_data(
    source: str,
    test: str | None,
    targets: TargetColumns,
    features: Sequence[str] | None = None,
    streaming: Streaming | None = None,
) -> Dataset | BlockDataset:
    """Read or open a source to train and to test on.

    If neither the source nor ``test`` has test samples, every fifth sample of each class is held
    out, or every fifth sample if there are no classes.
    """
    streaming = streaming or Streaming()
    blocks = streaming.blocks_of(source, targets, features)
    if blocks is None:
        return _in_memory(source, test, targets, features)
    return _in_blocks(blocks, test, targets, streaming)


def hint_of_values(source: str, dataset: Dataset | BlockDataset) -> str | None:
    """Say that classes may be meant as values, if they are numbers and few samples share one."""
    X = dataset.train[0]
    rows = X.rows if isinstance(X, data.Blocks) else len(X)
    names = dataset.target_names
    is_many = len(names) > MANY_CLASSES and rows < ROWS_PER_CLASS * len(names)
    if dataset.predicts != "classes" or not is_many or not all(map(NUMBER.fullmatch, names)):
        return None
    return (
        f"{named(source)} has {len(names):,} classes on {rows:,} training samples, and all of them "
        "are numbers; to predict numbers, pass --regression."
    )


def _in_blocks(
    blocks: Blocks, test: str | None, targets: TargetColumns, streaming: Streaming
) -> BlockDataset:
    if targets.predicts == "classes":
        check_several_classes(named(blocks.source), blocks.target_names)
    if test is None:
        own = blocks.test_part()
        train, tested = blocks.with_held_out() if own is None else (blocks, own)
        return BlockDataset(train, tested if tested.rows else None)
    tested = streaming.open(test, targets, blocks.feature_names)
    check_features(tested.features, test, blocks.features, f"{named(blocks.source)} has")
    tested = tested.test_part() or tested
    return BlockDataset(blocks, tested.with_classes(blocks.target_names))


def _in_memory(
    source: str, test: str | None, targets: TargetColumns, features: Sequence[str] | None
) -> Dataset:
    wanted: dict[str, Any] = {"label": targets.names, "predicts": targets.predicts}
    dataset = data.load(source, features=features, **wanted)
    if test is None:
        return dataset if len(dataset.X_test) else dataset.with_held_out_test()
    samples = data.load_samples(
        test, image_shape=dataset.image_shape, features=dataset.feature_names, **wanted
    )
    check_features(samples.X.shape[1], test, dataset.features, f"{named(source)} has")
    return dataset.with_test(samples)
