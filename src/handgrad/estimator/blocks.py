"""Blocks, files and Dask collections in the place of arrays: more rows than memory holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from handgrad.data import USUAL_LABEL, Blocks, open_blocks
from handgrad.data.blocks import read_ahead
from handgrad.engines import inputs
from handgrad.engines.dask.collections import is_collection
from handgrad.engines.weights import BlockWeights
from handgrad.estimator.block_samples import BlockSamples
from handgrad.estimator.collections import check_engine
from handgrad.estimator.target_kinds import ClassTargets, weighted_classes
from handgrad.estimator.targets import check_class_weights, codes_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.data import Predicts
    from handgrad.engines import Engine
    from handgrad.estimator.target_kinds import TargetKind

Label: TypeAlias = str | Sequence[str]


def is_address(X: Any) -> bool:
    """Tell whether X names files."""
    return isinstance(X, str | os.PathLike)


def is_beyond_memory(X: Any) -> bool:
    """Tell whether X is blocks, the address of files, or a Dask collection."""
    return isinstance(X, Blocks) or is_address(X) or is_collection(X)


def has_label_column(X: Any, y: Any) -> bool:
    """Tell whether the labels of X are a column of files or of a Dask collection."""
    return is_address(X) or (is_collection(X) and y is None)


def opened(
    X: Any, y: Any, label: Label | None, engine: Engine, predicts: Predicts
) -> Blocks | None:
    """Return blocks, files or a Dask collection as blocks; rows in memory give None.

    Raises
    ------
    ValueError
        If X holds targets and y is given as well, if a label is named but X has no columns, or if
        the engine cannot take X.
    """
    if is_collection(X):
        check_engine(engine)
        dask: Any = engine
        column = label or (USUAL_LABEL if y is None else None)
        blocks: Blocks = dask.blocks(X, y, label=column, predicts=predicts)
        return blocks
    if is_beyond_memory(X) and y is not None:
        raise ValueError("y was given, but X holds targets of its own; expected None for y.")
    if is_address(X):
        return open_blocks(X, label=label or USUAL_LABEL, predicts=predicts)
    if label is not None:
        raise ValueError(
            f"label={label!r} names a column of files, but X is {type(X).__name__}; expected the "
            "address of files, or no label."
        )
    return X if isinstance(X, Blocks) else None


class GivenBlocks(NamedTuple):
    """Blocks, and the targets in them; see `handgrad.estimator.samples.Given`."""

    blocks: Blocks

    @property
    def predicts(self) -> Predicts:
        """The kind of the targets."""
        return self.blocks.predicts

    @property
    def classes(self) -> npt.NDArray[Any]:
        """The distinct labels, sorted; of several labels per row their names or numbers."""
        names = self.names
        if self.predicts == "classes":
            return self.blocks.classes
        are_numbers = names == tuple(map(str, range(len(names))))
        return np.arange(len(names)) if are_numbers else np.array(names)

    @property
    def is_sparse(self) -> bool:
        """No: blocks hold labels as a matrix."""
        return False

    @property
    def names(self) -> tuple[str, ...]:
        """One name per class, label or value."""
        return self.blocks.target_names

    def to_train(self, kind: TargetKind, sample_weight: Any, class_weight: Any) -> BlockSamples:
        """Return samples to train on."""
        samples = self.to_score(kind, sample_weight)
        if class_weight is None:
            return samples
        of_classes = _class_weights(class_weight, weighted_classes(kind), self.blocks)
        of_rows = None if samples.weights is None else samples.weights.of_rows
        weights = BlockWeights(of_rows, of_classes)
        if _may_cancel(weights) and not _weighs_a_row(samples.blocks, weights):
            raise ValueError(
                "sample_weight and class_weight give every row a weight of 0 together; expected "
                "one above 0."
            )
        return samples._replace(weights=weights)

    def to_score(self, kind: TargetKind, sample_weight: Any = None) -> BlockSamples:
        """Return samples to score.

        Examples
        --------
        >>> blocks = Blocks.of(np.eye(2), np.array(["b", "c"]))
        >>> GivenBlocks(blocks).to_score(ClassTargets(np.array(["a", "b"]))).codes
        array([ 1, -1])
        """
        blocks, codes = self.blocks, None
        if blocks.predicts != kind.predicts:
            raise ValueError(
                f"{blocks.source} holds {blocks.predicts}; expected {kind.predicts}, as in fit: "
                f"open it with predicts={kind.predicts!r}."
            )
        if isinstance(kind, ClassTargets):
            _check_types(blocks.classes, kind.classes)
            codes = codes_of(blocks.classes, kind.classes)
        if codes is None or (codes >= 0).all():
            blocks, codes = blocks.with_classes(_names_of(kind, blocks, codes)), None
        weights = None
        if sample_weight is not None:
            weights = BlockWeights(inputs.weights(sample_weight, blocks.rows).copy())
        return BlockSamples(kind, blocks, codes, weights)


def _names_of(
    kind: TargetKind, blocks: Blocks, codes: npt.NDArray[np.int64] | None
) -> tuple[str, ...]:
    """Return the names of all classes, labels or values, as the blocks write those that they have.

    A single class has two outputs, so that it gets another class, which no row has.
    """
    names = list(kind.names)
    for name, code in zip(blocks.target_names, [] if codes is None else codes, strict=False):
        names[code] = name
    return (names[0], f"not {names[0]}") if codes is not None and len(names) == 1 else tuple(names)


def _check_types(found: npt.NDArray[Any], known: npt.NDArray[Any]) -> None:
    """Raise a ValueError if numbers would be compared with texts."""
    kinds = ["numbers" if classes.dtype.kind in "biuf" else "texts" for classes in (found, known)]
    if kinds[0] != kinds[1]:
        raise ValueError(f"The labels of X are {kinds[0]}; expected {kinds[1]}, as in fit.")


def _class_weights(
    class_weight: Any, classes: npt.NDArray[Any], blocks: Blocks
) -> npt.NDArray[np.float64]:
    """Return the weight of each class; balanced ones are m / (K · rows of the class).

    Negative weights, and weights of 0 alone, raise a ValueError.
    """
    if class_weight == "balanced":
        counts = np.maximum(blocks.counts.sum(axis=0), 1)
        of_classes: npt.NDArray[np.float64] = blocks.rows / (len(counts) * counts)
    else:
        of_classes = compute_class_weight(class_weight, classes=classes, y=classes)
    check_class_weights(of_classes[codes_of(blocks.classes, classes)])
    return of_classes


def _may_cancel(weights: BlockWeights) -> bool:
    """Tell whether weights of rows and of classes could make each other 0 in all places."""
    parts = (weights.of_rows, weights.of_classes)
    return all(part is not None and not part.all() for part in parts)


def _weighs_a_row(blocks: Blocks, weights: BlockWeights) -> bool:
    """Tell whether a row has a weight above 0; this reads labels until there is one."""
    starts = blocks.sizes.cumsum() - blocks.sizes
    with closing(read_ahead(blocks, range(len(blocks)))) as leaves:
        return any(weights.at(int(starts[leaf]), labels).any() for leaf, _, labels in leaves)
