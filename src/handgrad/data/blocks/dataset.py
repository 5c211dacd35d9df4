"""Blocks to train and to test on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from handgrad.data.blocks.blocks import Blocks
    from handgrad.data.dataset import Rows, Targets
    from handgrad.data.targets import Predicts


@dataclass(frozen=True, eq=False)
class BlockDataset:
    """Labelled rows beyond memory to train and to test on; it takes the place of a `Dataset`.

    Examples
    --------
    >>> import numpy as np
    >>> from handgrad.data import Blocks
    >>> whole = Blocks.of(np.arange(10.0)[:, None], np.array([0, 1] * 5), leaf_rows=4)
    >>> dataset = BlockDataset(*whole.with_held_out())
    >>> dataset.train[0].rows, dataset.test[0].rows, dataset.shown["train"][0][:, 0].tolist()
    (8, 2, [0.0, 1.0, 2.0, 3.0])
    """

    train_blocks: Blocks
    test_blocks: Blocks | None = None

    @property
    def train(self) -> tuple[Blocks, None]:
        """The blocks to train on, which hold their targets."""
        return self.train_blocks, None

    @property
    def test(self) -> tuple[Blocks, None] | None:
        """The blocks to test on; None if there are none."""
        return None if self.test_blocks is None else (self.test_blocks, None)

    @property
    def features(self) -> int:
        """Number of features, D."""
        return self.train_blocks.features

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the rows."""
        return self.train_blocks.dtype

    @property
    def predicts(self) -> Predicts:
        """What is to be predicted."""
        return self.train_blocks.predicts

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names of the classes, or of the columns of labels or values."""
        return self.train_blocks.target_names

    @property
    def class_names(self) -> tuple[str, ...]:
        """The same names, as a model calls them."""
        return self.target_names

    @property
    def outputs(self) -> int:
        """How many classes, labels or values there are."""
        return self.train_blocks.outputs

    @property
    def image_shape(self) -> tuple[int, int] | None:
        """Rows and columns of a sample that is a picture."""
        return self.train_blocks.image_shape

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the features, if the source has names."""
        return self.train_blocks.feature_names

    @property
    def window(self) -> int:
        """How many leaves lie in memory together."""
        return self.train_blocks.window

    @property
    def fingerprint(self) -> str:
        """A text that tells the training rows and targets apart by their content."""
        return self.train_blocks.fingerprint

    @cached_property
    def shown(self) -> dict[str, tuple[Rows, Targets]]:
        """The first leaves of both parts, to look at."""
        X, y = self.train_blocks.read(0)
        tested = (X[:0], y[:0]) if self.test_blocks is None else self.test_blocks.read(0)
        return {"train": (X, y), "test": tested}

    @property
    def to_show(self) -> tuple[Rows, Targets]:
        """The first test samples and their targets, or training samples if there are none."""
        return self.shown["train" if self.test_blocks is None else "test"]

    def with_classes(
        self,
        class_names: Sequence[str],
        source: str,  # noqa: ARG002 - blocks know theirs
    ) -> BlockDataset:
        """Return the data with a model's classes; an unknown class raises a DataError."""
        return self._changed(lambda part: part.with_classes(class_names))

    def with_numbers(self) -> BlockDataset:
        """Return the data with bytes as numbers, for a network that takes no pixels."""
        return self._changed(lambda part: replace(part, pixels=False))

    def _changed(self, change: Callable[[Blocks], Blocks]) -> BlockDataset:
        tested = None if self.test_blocks is None else change(self.test_blocks)
        return BlockDataset(change(self.train_blocks), tested)
