"""Passes over leaves of blocks, each in one thread: some leaves are held, the others read again."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.data.blocks import read_ahead
from handgrad.engines import inputs
from handgrad.engines.sums import Sum, sum_of
from handgrad.engines.weights import BlockWeights
from handgrad.errors import ShapeError
from handgrad.quoting import quoted
from handgrad.rows import bytes_unless_pixels, stacked

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    import numpy.typing as npt

    from handgrad.data import Blocks
    from handgrad.data.blocks import Recycled
    from handgrad.engines.protocol import Engine, Part
    from handgrad.engines.sums import Node
    from handgrad.network import Network
    from handgrad.objective import Objective
    from handgrad.targets import Targets


MOST_AHEAD = 4  # leaves that are read while batches are computed


class RowsWithTargets(NamedTuple):
    """Rows of blocks as an engine reads them."""

    X: Any
    targets: Targets
    weights: npt.NDArray[np.float64] | None

    def only(self, rows: npt.NDArray[np.int64]) -> RowsWithTargets:
        """Return copies of some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return RowsWithTargets(self.X[rows], self.targets[rows], weights)

    @classmethod
    def joined(cls, parts: Iterable[RowsWithTargets], m: int, memory: Recycled) -> RowsWithTargets:
        """Return the rows of several parts, m in all, as one; see `handgrad.rows.stacked`."""
        targets: list[Targets] = []
        weights: list[npt.NDArray[np.float64]] = []

        def rows() -> Iterator[Any]:
            for part in parts:
                targets.append(part.targets)
                if part.weights is not None:
                    weights.append(part.weights)
                yield part.X

        X = stacked(rows(), m, memory.empty)
        return cls(X, np.concatenate(targets), np.concatenate(weights) if weights else None)


def block_weights(weights: npt.ArrayLike | BlockWeights | None, m: int) -> BlockWeights | None:
    """Return the weights of m rows of blocks, or raise a ShapeError if they are not weights."""
    if weights is None or isinstance(weights, BlockWeights):
        return weights
    return BlockWeights(inputs.weights(weights, m).copy())


@dataclass(frozen=True, eq=False)
class Problem:
    """What is minimised: an objective on blocks, whose rows may have weights."""

    blocks: Blocks
    objective: Objective
    weights: BlockWeights | None = None

    def check(self, network: Network) -> None:
        """Raise a ShapeError unless the network fits the blocks and the objective."""
        self.objective.check_output(network)
        blocks = self.blocks
        if blocks.predicts != network.predicts:
            raise ShapeError(
                f"{blocks.source} holds {blocks.predicts}; expected {network.predicts}, which the "
                f"network predicts: open it with predicts={network.predicts!r}."
            )
        if blocks.predicts != "classes" and self.weights and self.weights.of_classes is not None:
            raise ShapeError(
                f"Classes have weights, but {blocks.source} holds {blocks.predicts}; expected "
                "weights of rows alone."
            )
        for what, found, expected in (
            ("features", blocks.features, network.D),
            (blocks.predicts, blocks.outputs, network.columns),
        ):
            if found != expected:
                raise ShapeError(
                    f"{blocks.source} has {found} {what}; expected {expected}, like the network."
                )

    def leaves(
        self, which: Iterable[int], depth: int = 2
    ) -> Generator[tuple[int, RowsWithTargets]]:
        """Read leaves; ``depth`` of them are read ahead of their use."""
        starts = np.append(0, np.cumsum(self.blocks.sizes))
        with closing(read_ahead(self.blocks, which, depth)) as leaves:
            for leaf, X, y in leaves:
                start, weights = int(starts[leaf]), None
                self._check_values(y, start)
                if self.weights is not None:
                    weights = self.weights.at(start, y)
                rows = bytes_unless_pixels(X, pixels=self.blocks.pixels)
                yield leaf, RowsWithTargets(rows, y, weights)

    def _check_values(self, y: Targets, start: int) -> None:
        """Refuse values below 0 with a Poisson loss; the first row of y is row ``start``."""
        if self.objective.loss != "poisson" or not (y < 0).any():
            return
        row, column = np.argwhere(y < 0)[0].tolist()
        raise ShapeError(
            f"{self.blocks.source} holds {y[row, column]:g} in row {start + row} (counted from 0) "
            f"of its values {quoted(self.blocks.target_names[column])}; expected values of 0 or "
            "more, as the Poisson loss needs."
        )

    def windows(self, windows: Sequence[Sequence[int]]) -> Generator[Iterator[RowsWithTargets]]:
        """Read the leaves of windows: each yields its leaves before the next one comes."""
        depth = min(max(map(len, windows)), MOST_AHEAD)
        with closing(self.leaves(chain.from_iterable(windows), depth)) as leaves:
            for window in windows:
                yield (rows for _, rows in islice(leaves, len(window)))


@dataclass(frozen=True, eq=False)
class Leaf:
    """The rows of one leaf, ready for passes."""

    part: Part
    rows: int
    weight: float
    """Σ w, or the number of rows. If it is 0, the part has no weights."""

    def sum(self, network: Network) -> Sum:
        """Return cost, gradient and hits of the leaf as sums."""
        if not self.rows:
            return Sum()
        measured = self.part.cost_and_gradient(network)
        return Sum.of(measured, self.rows, self.weight)

    def cost(self, network: Network) -> Sum:
        """Return the cost of the leaf as a sum, without a gradient or hits."""
        if not self.weight:
            return Sum(rows=self.rows)
        loss = self.part.cost(network) * self.weight
        return Sum(loss, rows=self.rows, weight=self.weight)


class Leaves:
    """Leaves in their order, of which at most ``held`` stay in memory, the first ones first.

    What stays in memory changes no bit: a leaf's pass is the same whether it is read again or not.
    """

    def __init__(
        self, engine: Engine, problem: Problem, leaves: Sequence[int], *, held: int
    ) -> None:
        self._engine, self._problem, self._leaves = engine, problem, leaves
        self._most_held = held
        self._held: dict[int, Leaf] = {}
        self._reading: tuple[object, ...] = ()  # how the networks so far read rows

    def moved(self, problem: Problem, leaves: Sequence[int], *, held: int) -> Leaves:
        """Return other leaves of the same rows, with those of these that are in memory."""
        moved = Leaves(self._engine, problem, leaves, held=held)
        common = [leaf for leaf in leaves if leaf in self._held]
        moved._held = {leaf: self._held[leaf] for leaf in common[:held]}
        moved._reading = self._reading
        return moved

    def nodes(self, nodes: Sequence[Node], network: Network, *, gradient: bool) -> list[Sum]:
        """Add up nodes of the tree that cover these leaves, from first to last."""
        if network.reading != self._reading:
            self._held, self._reading = {}, network.reading
        count = len(self._problem.blocks)
        with closing(self._sums(network, gradient=gradient)) as sums:
            return [
                sum_of(node, count, lambda node: None if node[0] else next(sums)) for node in nodes
            ]

    def _sums(self, network: Network, *, gradient: bool) -> Generator[Sum]:
        """Yield the sum of each leaf in order; several are computed at once."""
        measure = Leaf.sum if gradient else Leaf.cost
        at_once = self._engine.parts_at_once
        if at_once == 1:
            yield from (measure(leaf, network) for leaf in self._all())
            return
        coming: deque[Future[Sum]] = deque()
        with closing(self._all()) as leaves, ThreadPoolExecutor(at_once) as threads:
            for leaf in leaves:
                coming.append(threads.submit(measure, leaf, network))
                if len(coming) > at_once:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()

    def _all(self) -> Generator[Leaf]:
        """Yield the leaves; read those that are not in memory, and keep what is to stay."""
        missing = [leaf for leaf in self._leaves if leaf not in self._held]
        with closing(self._problem.leaves(missing)) as coming:
            for leaf in self._leaves:
                held = self._held.get(leaf)
                yield self._read(*next(coming)) if held is None else held

    def _read(self, number: int, rows: RowsWithTargets) -> Leaf:
        is_kept = len(self._held) < self._most_held
        leaf = self._leaf(rows, kept=is_kept)
        if is_kept:
            self._held[number] = leaf
        return leaf

    def _leaf(self, rows: RowsWithTargets, *, kept: bool) -> Leaf:
        m, weights = len(rows.targets), rows.weights
        total = float(m if weights is None else weights.sum())
        if not total:  # no engine takes weights that are all 0
            weights = None
        objective = replace(self._problem.objective, alpha=0.0)  # the whole sum is penalised
        part = self._engine.part(rows.X, rows.targets, objective, weights, kept=kept)
        return Leaf(part, m, total)
