"""Samples in blocks: a fit and its scores, leaf by leaf."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.data.blocks import read_ahead
from handgrad.data.blocks.readers import ranks_in_class
from handgrad.engines.weights import BlockWeights
from handgrad.estimator.samples import NO_WEIGHT, TOO_FEW_HELD_OUT
from handgrad.evaluation import predicted_outputs

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.data import Blocks
    from handgrad.engines import Engine, Objective, Session
    from handgrad.estimator.target_kinds import TargetKind
    from handgrad.network import Network
    from handgrad.targets import Targets


class BlockSamples(NamedTuple):
    """Blocks, the number that each of their classes has in the network, and row weights.

    See `handgrad.estimator.samples.Samples`.
    """

    kind: TargetKind
    blocks: Blocks
    codes: npt.NDArray[np.int64] | None = None
    """(K,): the number in the network of each class of the blocks, if they have another one than
    the network. It is -1 for a class that fit never saw."""
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
        return self.codes is not None and bool((self.codes < 0).any())

    def score(self, network: Network, engine: Engine) -> float:
        """Return accuracy or R² of a network, leaf by leaf."""
        tally, start, weights = self.kind.tally(), 0, self.weights or BlockWeights()
        predict = partial(_predicted_leaf, network, self.kind, self.codes)
        with closing(engine.map_leaves(predict, self.blocks)) as leaves:
            for y, figures in leaves:
                tally.add(y, figures, weights.at(start, y))
                start += len(y)
        if not tally.weight:
            raise ValueError(NO_WEIGHT)
        return tally.score

    def in_memory(self) -> tuple[Any, Any, Any]:
        """Raise a ValueError, because scorers take rows in memory."""
        raise ValueError(
            "scoring names a scorer, which takes rows in memory, but the validation samples are "
            "blocks; expected scoring=None or 'loss'."
        )

    def hold_out(
        self, fraction: float, random: np.random.RandomState
    ) -> tuple[BlockSamples, BlockSamples]:
        """Hold out every n-th row, of each class, where n is 1 / fraction, rounded.

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
    """Tell which rows `Blocks.with_held_out` holds out; this reads all targets once."""
    before = blocks.counts.cumsum(axis=0) - blocks.counts
    ranks = []
    with closing(read_ahead(blocks, range(len(blocks)))) as leaves:
        for leaf, _, y in leaves:
            groups = y if blocks.predicts == "classes" else np.zeros(len(y), np.int64)
            ranks.append(before[leaf][groups] + ranks_in_class(groups))
    is_held_out: npt.NDArray[np.bool_] = np.concatenate(ranks) % every == every - 1
    return is_held_out


def _predicted_leaf(
    network: Network,
    kind: TargetKind,
    codes: npt.NDArray[np.int64] | None,
    engine: Engine,
    X: Any,
    y: Targets,
) -> tuple[Targets, npt.NDArray[Any]]:
    """Return the targets of a leaf, and what the score needs to know of each prediction."""
    may_diverge = kind.predicts == "values"  # as in memory, R² is not a number then
    predict = engine.outputs if may_diverge else partial(predicted_outputs, engine=engine)
    outputs = predict(network, X)
    return y, kind.figures(y if codes is None else codes[y], outputs)
