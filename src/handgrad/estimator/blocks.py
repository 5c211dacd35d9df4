"""Samples in blocks: more rows than memory holds."""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from handgrad.data import USUAL_LABEL, Blocks, open_blocks
from handgrad.data.blocks import read_ahead
from handgrad.data.blocks.readers import ranks_in_class
from handgrad.engines import inputs
from handgrad.engines.dask.collections import is_collection
from handgrad.engines.weights import BlockWeights
from handgrad.estimator.collections import check_engine
from handgrad.estimator.samples import TOO_FEW_HELD_OUT
from handgrad.estimator.targets import ClassTargets, codes_of
from handgrad.evaluation import predicted_probabilities

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.engines import Engine, Objective, Session
    from handgrad.estimator.targets import TargetKind
    from handgrad.network import Labels, Matrix, Network


def is_address(X: Any) -> bool:
    """Tell whether X names files."""
    return isinstance(X, str | os.PathLike)


def is_beyond_memory(X: Any) -> bool:
    """Tell whether X is blocks, the address of files, or a Dask collection."""
    return isinstance(X, Blocks) or is_address(X) or is_collection(X)


def has_label_column(X: Any, y: Any) -> bool:
    """Tell whether the labels of X are a column of files or of a Dask collection."""
    return is_address(X) or (is_collection(X) and y is None)


def opened(X: Any, y: Any, label: str | None, engine: Engine) -> Blocks | None:
    """Return blocks, files or a Dask collection as blocks; rows in memory give None.

    Raises
    ------
    ValueError
        If labels are given beside those that X holds, if X has no columns to find a label in, or
        if the engine cannot take X.
    """
    if is_collection(X):
        check_engine(engine)
        dask: Any = engine
        blocks: Blocks = dask.blocks(X, y, label=label or (USUAL_LABEL if y is None else None))
        return blocks
    if is_beyond_memory(X) and y is not None:
        raise ValueError("y was given, but X holds labels of its own; expected None for y.")
    if is_address(X):
        return open_blocks(X, label=label or USUAL_LABEL)
    if label is not None:
        raise ValueError(
            f"label={label!r} names a column of files, but X is {type(X).__name__}; expected the "
            "address of files, or no label."
        )
    return X if isinstance(X, Blocks) else None


class GivenBlocks(NamedTuple):
    """Blocks, and the targets in them; see `handgrad.estimator.samples.Given`."""

    blocks: Blocks
    is_multilabel: bool = False
    is_sparse: bool = False
    outputs: int = 1

    @property
    def classes(self) -> npt.NDArray[Any]:
        """The distinct labels, sorted."""
        return self.blocks.classes

    def to_train(self, kind: TargetKind, sample_weight: Any, class_weight: Any) -> BlockSamples:
        """Return samples to train on."""
        kind = _class_targets(kind)
        classes = kind.classes
        of_classes = None
        if class_weight is not None:
            of_classes = _class_weights(class_weight, classes, self.blocks)
        known = self.blocks.with_classes(kind.names)
        weights = _block_weights(sample_weight, of_classes, known.rows)
        if weights is not None and _may_cancel(weights) and not _weighs_a_row(known, weights):
            raise ValueError(
                "sample_weight and class_weight give every row a weight of 0 together; expected "
                "one above 0."
            )
        return BlockSamples(kind, known, np.arange(len(classes)), weights)

    def to_score(self, kind: TargetKind, sample_weight: Any = None) -> BlockSamples:
        """Return samples to score.

        Examples
        --------
        >>> blocks = Blocks.of(np.eye(2), np.array(["b", "c"]))
        >>> GivenBlocks(blocks).to_score(ClassTargets(np.array(["a", "b"]))).codes
        array([ 1, -1])
        """
        kind = _class_targets(kind)
        classes = kind.classes
        _check_kinds(self.blocks.classes, classes)
        weights = _block_weights(sample_weight, None, self.blocks.rows)
        return BlockSamples(kind, self.blocks, codes_of(self.blocks.classes, classes), weights)


def _class_targets(kind: TargetKind) -> ClassTargets:
    if not isinstance(kind, ClassTargets):
        raise ValueError(  # noqa: TRY004 - the type that scikit-learn raises
            f"X is blocks of classes; expected {kind.predicts}, which must lie in memory."
        )
    return kind


def _check_kinds(found: npt.NDArray[Any], known: npt.NDArray[Any]) -> None:
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
    found = of_classes[codes_of(blocks.classes, classes)]
    if not ((found >= 0) & (found < np.inf)).all() or not found.any():
        raise ValueError(
            f"class_weight gives the classes of X the weights {found.tolist()}; expected numbers "
            "of 0 or more, and one above 0."
        )
    return of_classes


def _block_weights(
    sample_weight: Any, of_classes: npt.NDArray[np.float64] | None, m: int
) -> BlockWeights | None:
    if sample_weight is None and of_classes is None:
        return None
    of_rows = None if sample_weight is None else inputs.weights(sample_weight, m).copy()
    return BlockWeights(of_rows, of_classes)


def _may_cancel(weights: BlockWeights) -> bool:
    """Tell whether weights of rows and of classes could make each other 0 in all places."""
    parts = (weights.of_rows, weights.of_classes)
    return all(part is not None and not part.all() for part in parts)


def _weighs_a_row(blocks: Blocks, weights: BlockWeights) -> bool:
    """Tell whether a row has a weight above 0; this reads labels until there is one."""
    starts = blocks.sizes.cumsum() - blocks.sizes
    with closing(read_ahead(blocks, range(len(blocks)))) as leaves:
        return any(weights.at(int(starts[leaf]), labels).any() for leaf, _, labels in leaves)


class BlockSamples(NamedTuple):
    """Blocks, the number that each of their classes has in the network, and row weights.

    See `handgrad.estimator.samples.Samples`.
    """

    kind: ClassTargets
    blocks: Blocks
    codes: npt.NDArray[np.int64]
    """(K,): -1 for a class that fit never saw."""
    weights: BlockWeights | None = None

    @property
    def m(self) -> int:
        """Number of samples."""
        return self.blocks.rows

    def session(self, engine: Engine, objective: Objective) -> Session:
        """Return a session over the samples."""
        return engine.session(self.blocks, None, objective, self.weights)

    @property
    def has_unknown(self) -> bool:
        """Whether a sample has a class that fit never saw."""
        return bool((self.codes < 0).any())

    def score(self, network: Network, engine: Engine) -> float:
        """Return the share of the weights whose samples are predicted right, leaf by leaf."""
        right, start, weights = [], 0, self.weights or BlockWeights()
        predict = partial(_predicted_leaf, network, self.kind, self.codes)
        with closing(engine.map_leaves(predict, self.blocks)) as leaves:
            for labels, is_right in leaves:
                of_leaf = weights.at(start, labels)
                right.append((of_leaf @ is_right, of_leaf.sum()))
                start += len(labels)
        of_right, of_all = np.sum(right, axis=0)
        if not of_all:
            raise ValueError("The weights of all samples to score are 0; expected one above 0.")
        return float(of_right / of_all)

    def in_memory(self) -> tuple[Any, Any, Any]:
        """Raise a ValueError, because scorers take rows in memory."""
        raise ValueError(
            "scoring names a scorer, which takes rows in memory, but the validation samples are "
            "blocks; expected scoring=None or 'loss'."
        )

    def hold_out(
        self, fraction: float, random: np.random.RandomState
    ) -> tuple[BlockSamples, BlockSamples]:
        """Hold out every n-th row of each class, where n is 1 / fraction, rounded.

        The rows are not drawn at random, so that no file has to be read for it.
        """
        del random
        if not 0 < fraction <= 0.5:
            raise ValueError(
                f"validation_fraction is {fraction:g}, but every n-th row of blocks is held out; "
                "expected a number above 0, up to 0.5."
            )
        every = round(1 / fraction)
        train, held_out = self.blocks.with_held_out(every)
        if held_out.rows < 2:
            raise ValueError(TOO_FEW_HELD_OUT)
        of_train = of_held_out = self.weights
        if self.weights is not None and self.weights.of_rows is not None:
            is_held_out = _held_out_rows(self.blocks, every)
            of_rows, of_classes = self.weights.of_rows, self.weights.of_classes
            of_train = BlockWeights(of_rows[~is_held_out], of_classes)
            of_held_out = BlockWeights(of_rows[is_held_out], of_classes)
        return (
            BlockSamples(self.kind, train, self.codes, of_train),
            BlockSamples(self.kind, held_out, self.codes, of_held_out),
        )


def _held_out_rows(blocks: Blocks, every: int) -> npt.NDArray[np.bool_]:
    """Tell which rows `Blocks.with_held_out` holds out; this reads all labels once."""
    before = blocks.counts.cumsum(axis=0) - blocks.counts
    with closing(read_ahead(blocks, range(len(blocks)))) as leaves:
        ranks = [before[leaf][labels] + ranks_in_class(labels) for leaf, _, labels in leaves]
    is_held_out: npt.NDArray[np.bool_] = np.concatenate(ranks) % every == every - 1
    return is_held_out


def outputs_of_leaf(network: Network, engine: Engine, X: Any, _: Any) -> Matrix:
    """Return an engine's outputs for the rows of a leaf, all of them finite."""
    return predicted_probabilities(network, X, engine=engine)


def _predicted_leaf(
    network: Network,
    kind: ClassTargets,
    codes: npt.NDArray[np.int64],
    engine: Engine,
    X: Any,
    y: Labels,
) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """Return the labels of a leaf, and whether each is predicted right."""
    outputs = predicted_probabilities(network, X, engine=engine)
    return y, kind.codes(outputs) == codes[y]
