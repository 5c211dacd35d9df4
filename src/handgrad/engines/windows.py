"""Batches over blocks: an epoch shuffles the leaves, and the rows inside windows of leaves.

A window is some leaves that lie in memory together. Batches continue across windows: the
rows of an incomplete batch are the first ones of the next window.
"""

from __future__ import annotations

from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from handgrad.data.blocks import Recycled
from handgrad.engines import inputs
from handgrad.engines.leaves import RowsWithTargets
from handgrad.engines.protocol import Progress
from handgrad.engines.turns import Turns
from handgrad.errors import ShapeError
from handgrad.rows import as_array

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    import numpy.typing as npt

    from handgrad.data import Blocks
    from handgrad.engines.protocol import Engine, Moments
    from handgrad.engines.rules import Rule
    from handgrad.network import Network
    from handgrad.objective import Objective

    OnProgress = Callable[[Progress], bool | None]

UNSHUFFLED = -1  # in the place of a seed


class Window(NamedTuple):
    """Leaves whose rows lie in memory together."""

    leaves: tuple[int, ...]
    rows: int
    """The rows of these leaves."""
    seed: tuple[int, int] | None
    """Shuffles the rows; None leaves them in order."""
    is_last: bool
    """Whether the epoch ends with it."""

    def order(self) -> npt.NDArray[np.int64]:
        """Return the rows in the order in which batches take them."""
        if self.seed is None:
            return np.arange(self.rows)
        return np.random.RandomState(self.seed).permutation(self.rows)


class BatchSettings(NamedTuple):
    """What all batches of a run have in common."""

    objective: Objective
    rule: Rule
    batch_size: int


class BatchState(NamedTuple):
    """Where a run of batches stands between two windows."""

    network: Network
    moments: Moments | None
    left: RowsWithTargets | None = None
    """The rows of an incomplete batch."""


class Taken(NamedTuple):
    """What the batches of a window led to, with the cost and the accuracy of each."""

    state: BatchState
    costs: npt.NDArray[np.float64]
    accuracies: npt.NDArray[np.float64]


def take_window(
    engine: Engine,
    settings: BatchSettings,
    state: BatchState,
    window: Window,
    leaves: Iterable[RowsWithTargets],
    learning_rate: float,
    memory: Recycled | None = None,
) -> Taken:
    """Take one step per whole batch of a window; the last window may end with a smaller one.

    The rows of the window's leaves are copied into ``memory``.
    """
    left = [] if state.left is None else [state.left]
    before = sum(len(part.targets) for part in left)
    rows = RowsWithTargets.joined(chain(left, leaves), before + window.rows, memory or Recycled(0))
    order = np.append(np.arange(before), before + window.order())
    size = settings.batch_size
    whole = len(order) if window.is_last else len(order) // size * size
    left_over = rows.only(order[whole:]) if whole < len(order) else None
    if not whole or (rows.weights is not None and not rows.weights.any()):
        steps = -(-whole // size)  # batches without weight change nothing
        accuracy = np.nan if state.network.predicts == "values" else 0.0
        return Taken(state._replace(left=left_over), np.zeros(steps), np.full(steps, accuracy))
    session = engine.session(rows.X, rows.targets, settings.objective, rows.weights)
    batches = session.batches(
        state.network, rule=settings.rule, batch_size=size, moments=state.moments
    )
    reports: list[Progress] = []
    batches.epoch(order[:whole], learning_rate=learning_rate, on_progress=reports.append)
    _, costs, accuracies = reports[-1]
    return Taken(BatchState(batches.network, batches.moments, left_over), costs, accuracies)


class WindowTaker(Protocol):
    """Takes the batches of windows, one window after another."""

    def __call__(
        self,
        windows: Sequence[Window],
        settings: BatchSettings,
        state: BatchState,
        learning_rate: float,
    ) -> Generator[Taken]:
        """Yield the results of each window, starting at a state."""


class BlockBatches:
    """Batches of rows of blocks; see `handgrad.engines.Batches`.

    The order of an epoch is a seed, which shuffles the rows of windows, and the leaves in their
    order.
    """

    def __init__(
        self,
        blocks: Blocks,
        settings: BatchSettings,
        state: BatchState,
        take: WindowTaker,
    ) -> None:
        self.samples = blocks.rows
        self._sizes, self._window, self._take = blocks.sizes, blocks.window, take
        size = min(settings.batch_size, blocks.rows)
        self._settings, self._state = settings._replace(batch_size=size), state
        self._turns = Turns()

    @property
    def network(self) -> Network:
        """The network after the steps so far."""
        self._turns.check_readable()
        return self._state.network

    @property
    def moments(self) -> Moments:
        """What the rule remembers."""
        self._turns.check_readable()
        moments = self._state.moments
        return inputs.zero_moments(self._state.network) if moments is None else moments

    def order(
        self, random: np.random.RandomState | None, before: npt.NDArray[np.int64] | None
    ) -> npt.NDArray[np.int64]:
        """Return a seed for the rows, and the leaves shuffled from the order of the epoch before.

        See `handgrad.engines.Batches`.
        """
        leaves = np.arange(len(self._sizes)) if before is None else before[1:]
        if random is None:
            return np.append(UNSHUFFLED, leaves)
        return np.append(random.randint(2**31), leaves[random.permutation(len(leaves))])

    def epoch(
        self,
        order: npt.ArrayLike | None = None,
        *,
        learning_rate: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> npt.NDArray[np.float64]:
        """Take one step per batch; see `handgrad.engines.Batches`."""
        rate = self._settings.rule.learning_rate if learning_rate is None else learning_rate
        inputs.check_rate(rate, self.network.dtype)
        windows = self._windows(order)
        with self._turns.epoch():
            return self._take_steps(windows, float(rate), on_progress)

    def _windows(self, order: npt.ArrayLike | None) -> list[Window]:
        given = self.order(None, None) if order is None else as_array("order", order)
        seed, leaves = given[0], given[1:]
        if not np.array_equal(np.sort(leaves), np.arange(len(self._sizes))):
            raise ShapeError(
                f"order does not name each of {len(self._sizes)} leaves once behind its seed; "
                "expected what BlockBatches.order returns."
            )
        starts = range(0, len(leaves), self._window)
        cuts = [leaves[start : start + self._window] for start in starts]
        return [
            Window(
                leaves=tuple(cut.tolist()),
                rows=int(self._sizes[cut].sum()),
                seed=None if seed == UNSHUFFLED else (int(seed), number),
                is_last=number + 1 == len(cuts),
            )
            for number, cut in enumerate(cuts)
        ]

    def _take_steps(
        self, windows: Sequence[Window], rate: float, on_progress: OnProgress | None
    ) -> npt.NDArray[np.float64]:
        costs, accuracies = inputs.room_for(-(-self.samples // self._settings.batch_size))
        done = 0
        with closing(self._take(windows, self._settings, self._state, rate)) as results:
            for taken in results:
                self._state, upto = taken.state, done + len(taken.costs)
                costs[done:upto], accuracies[done:upto] = taken.costs, taken.accuracies
                done = upto
                progress = Progress(self._state.network, costs[:done], accuracies[:done])
                if on_progress is not None and self._report(on_progress, progress):
                    break
        return costs[:done]

    def _report(self, on_progress: OnProgress, progress: Progress) -> bool:
        with self._turns.pause():
            return bool(on_progress(progress))
