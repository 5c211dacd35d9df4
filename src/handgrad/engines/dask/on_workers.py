"""What runs on the workers: leaves are held, passes and batches are computed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from handgrad.engines.dask.shares import Share, numbers
from handgrad.engines.leaves import Leaves, Problem, RowsWithTargets
from handgrad.engines.windows import BatchSettings, BatchState, Taken, Window, take_window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handgrad.data.dataset import Rows
    from handgrad.engines.dask.workers import Kernels
    from handgrad.engines.protocol import Engine
    from handgrad.engines.sums import Node, Sum
    from handgrad.network import Network
    from handgrad.targets import Targets


T = TypeVar("T")


class GivenLeaf(NamedTuple):
    """The rows of a leaf that no worker can read by itself."""

    X: Rows
    targets: Targets


@dataclass(frozen=True)
class Recipe:
    """What a worker needs to hold its share of the leaves."""

    problem: Problem
    kernels: Kernels
    share: Share
    nodes: tuple[Node, ...]
    """The nodes of the tree of sums that cover the share."""
    home: str
    """The worker that the share is meant for."""
    held: int
    """How many leaves stay in its memory."""
    size: int
    """How many bytes that takes."""

    def given(self, leaves: dict[int, GivenLeaf]) -> Recipe:
        """Return the recipe with rows that the worker need not read."""
        return replace(self, problem=_given(self.problem, leaves)) if leaves else self


class Held:
    """A share of the leaves in a worker's memory.

    Its pickle is its recipe. So a worker that gets it from another one, or after Dask moved it to a
    disk, reads its leaves again; and so does the worker on which Dask replaces a lost one.
    """

    def __init__(self, recipe: Recipe, leaves: Leaves | None = None) -> None:
        self.recipe = recipe
        self._leaves, self._lock = leaves, Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Held, (self.recipe,)

    def __sizeof__(self) -> int:
        """Tell Dask the size of the rows, read or not, so that it leaves them where they are."""
        return self.recipe.size + object.__sizeof__(self)

    def moved(self, recipe: Recipe) -> Held:
        """Return another share, with the leaves of this one that are in memory."""
        leaves = self._leaves
        if leaves is not None:
            leaves = leaves.moved(recipe.problem, list(numbers(recipe.share)), held=recipe.held)
        return Held(recipe, leaves)

    def measure(
        self, network: Network, threads: int, *, at_home: bool, gradient: bool
    ) -> list[Sum]:
        """Add up the share's nodes; a worker that stands in for another one keeps no leaf."""
        with self._lock, np.errstate(over="ignore", invalid="ignore"):
            if self._leaves is None:
                recipe = self.recipe
                engine, leaves = recipe.kernels.with_threads(threads), list(numbers(recipe.share))
                held = recipe.held if at_home else 0
                self._leaves = Leaves(engine, recipe.problem, leaves, held=held)
            return self._leaves.nodes(self.recipe.nodes, network, gradient=gradient)


class Measured(NamedTuple):
    """What a pass over a share gave, and where it was computed."""

    worker: str
    sums: dict[Node, Sum]


def hold(recipe: Recipe, leaves: Sequence[int], *rows: GivenLeaf) -> Held:
    """Hold a share; the first pass reads it. ``rows`` are those of some leaves, if given."""
    return Held(recipe.given(dict(zip(leaves, rows, strict=True))))


def move(held: Held, recipe: Recipe, leaves: Sequence[int], *rows: GivenLeaf) -> Held:
    """Hold another share in the place of an earlier one."""
    given = dict(zip(leaves, rows, strict=True))
    before = held.recipe.problem.blocks.reader
    if isinstance(before, GivenRows):
        kept = set(numbers(recipe.share)) - set(given)
        given |= {leaf: rows for leaf, rows in before.leaves.items() if leaf in kept}
    return held.moved(recipe.given(given))


def measure(held: Held, network: Network, *, gradient: bool) -> Measured:
    """Pass over a worker's share with all of the worker's threads."""
    from distributed import get_worker

    worker = get_worker()
    address, recipe = worker.address, held.recipe
    sums = held.measure(
        network, worker.state.nthreads, at_home=address == recipe.home, gradient=gradient
    )
    return Measured(address, dict(zip(recipe.nodes, sums, strict=True)))


def read_rows(problem: Problem, leaves: Sequence[int], *rows: GivenLeaf) -> list[RowsWithTargets]:
    """Read leaves."""
    if rows:
        problem = _given(problem, dict(zip(leaves, rows, strict=True)))
    with closing(problem.windows([leaves])) as windows:
        return list(next(windows))


def apply(
    kernels: Kernels,
    function: Callable[[Engine, Any, Any], T],
    problem: Problem,
    leaf: int,
    *rows: GivenLeaf,
) -> T:
    """Call the function on a worker, in one thread."""
    (of_leaf,) = read_rows(problem, [leaf], *rows)
    return function(kernels.with_threads(1), of_leaf.X, of_leaf.targets)


def take(
    kernels: Kernels,
    settings: BatchSettings,
    state: BatchState,
    window: Window,
    rows: Sequence[RowsWithTargets],
    learning_rate: float,
) -> Taken:
    """Take the batches of a window on a worker."""
    from distributed import get_worker

    engine = kernels.with_threads(get_worker().state.nthreads)
    with np.errstate(over="ignore", invalid="ignore"):
        return take_window(engine, settings, state, window, rows, learning_rate)


@dataclass(frozen=True, eq=False)
class GivenRows:
    """A reader of the leaves that were given, and of no others."""

    leaves: dict[int, GivenLeaf]
    in_processes = False

    def read(self, leaf: int) -> tuple[Rows, Targets]:
        """Return a leaf; see `handgrad.data.blocks.readers.LeafReader`."""
        return self.leaves[leaf]


def _given(problem: Problem, leaves: dict[int, GivenLeaf]) -> Problem:
    blocks = problem.blocks
    reader = GivenRows(leaves)
    return replace(problem, blocks=replace(blocks, reader=reader))
