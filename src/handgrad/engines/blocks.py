"""Training over blocks: any engine's passes over leaves, added up in one fixed order."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING

import numpy as np

from handgrad.arguments import whole_number
from handgrad.data.blocks import Recycled
from handgrad.engines import inputs
from handgrad.engines.descent import descend
from handgrad.engines.leaves import Leaves, Problem, block_weights
from handgrad.engines.sums import root
from handgrad.engines.windows import BatchSettings, BatchState, BlockBatches, take_window
from handgrad.errors import EngineError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    import numpy.typing as npt

    from handgrad.data import Blocks
    from handgrad.engines.leaves import RowsWithTargets
    from handgrad.engines.protocol import Engine, Measurement, Moments, Progress
    from handgrad.engines.rules import Rule
    from handgrad.engines.sums import Sum
    from handgrad.engines.weights import BlockWeights
    from handgrad.engines.windows import Taken, Window
    from handgrad.network import Network
    from handgrad.objective import Objective


def block_session(
    engine: Engine,
    blocks: Blocks,
    targets: npt.ArrayLike | None,
    objective: Objective,
    weights: npt.ArrayLike | BlockWeights | None,
) -> BlockSession:
    """Return a session over blocks; targets beside them raise a ShapeError."""
    check_no_targets(targets)
    return BlockSession(engine, blocks, objective, weights)


def check_no_targets(targets: npt.ArrayLike | None) -> None:
    """Raise a ShapeError if targets are given beside blocks."""
    if targets is not None:
        raise ShapeError(
            "y was given with blocks, which hold their own labels or values; expected None for y."
        )


def _diverging() -> AbstractContextManager[None]:
    """Let numbers that are no longer finite pass: the driver of a run says that it diverges."""
    return np.errstate(over="ignore", invalid="ignore")


class BlockSession:
    """Blocks of rows, and what is minimised on them; see `handgrad.engines.Session`.

    The cost is a mean over rows, so cost and gradient are sums over leaves. They are added along a
    fixed tree (`handgrad.engines.sums`): neither threads nor memory change a bit.

    Parameters
    ----------
    engine : Engine
        Computes the passes over leaves.
    blocks : Blocks
        At most ``blocks.window`` leaves stay in memory. Batches take their rows from that many
        leaves at a time.
    objective : Objective
    weights : array of shape (m,) or BlockWeights, optional
        Row weights.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> from handgrad.data import Blocks
    >>> from handgrad.objective import Objective
    >>> blocks = Blocks.of(np.eye(3), np.array([0, 1, 0]), leaf_rows=2)
    >>> network = Network.initial(features=3, hidden=2, classes=2, dtype="float64")
    >>> in_memory = get_engine().session(np.eye(3), [0, 1, 0], Objective()).cost(network)
    >>> bool(np.isclose(BlockSession(get_engine(), blocks, Objective()).cost(network), in_memory))
    True
    """

    def __init__(
        self,
        engine: Engine,
        blocks: Blocks,
        objective: Objective,
        weights: npt.ArrayLike | BlockWeights | None = None,
    ) -> None:
        whole_number("window", blocks.window, 1, None, EngineError)
        self._problem = Problem(blocks, objective, block_weights(weights, blocks.rows))
        self._engine = engine
        self._leaves = Leaves(engine, self._problem, range(len(blocks)), held=blocks.window)
        self._rows: dict[int, RowsWithTargets] = {}  # for batches, if one window holds all rows

    def cost(self, network: Network) -> float:
        """Compute the cost; see `handgrad.engines.Session`."""
        self._problem.check(network)
        with _diverging():
            total = self._total(network, gradient=False)
            return total.penalised_cost(network, self._problem.objective)

    def cost_and_gradient(self, network: Network) -> Measurement:
        """Compute cost, gradient and accuracy; see `handgrad.engines.Session`."""
        self._problem.check(network)
        with _diverging():
            total = self._total(network, gradient=True)
            return total.measurement(network, self._problem.objective)

    def descend(
        self,
        network: Network,
        *,
        learning_rate: float,
        iterations: int,
        on_progress: Callable[[Progress], bool | None] | None = None,
    ) -> tuple[Network, npt.NDArray[np.float64]]:
        """Take full-batch steps (U1); ``on_progress`` is called before each one."""
        inputs.check_descent(learning_rate, iterations, network.dtype)
        self._problem.check(network)
        with _diverging():
            return descend(self.cost_and_gradient, network, learning_rate, iterations, on_progress)

    def batches(
        self,
        network: Network,
        *,
        rule: Rule,
        batch_size: int,
        moments: Moments | None = None,
    ) -> BlockBatches:
        """Begin to train in batches; see `BlockBatches`."""
        inputs.check_batches(rule, batch_size, moments, network)
        self._problem.check(network)
        settings = BatchSettings(self._problem.objective, rule, int(batch_size))
        state = BatchState(network, moments)
        return BlockBatches(self._problem.blocks, settings, state, self._take)

    def _total(self, network: Network, *, gradient: bool) -> Sum:
        """Add up the whole tree."""
        nodes = [root(len(self._problem.blocks))]
        return self._leaves.nodes(nodes, network, gradient=gradient)[0]

    def _take(
        self,
        windows: Sequence[Window],
        settings: BatchSettings,
        state: BatchState,
        learning_rate: float,
    ) -> Generator[Taken]:
        """Take the batches of one window after another; a thread reads the next one meanwhile."""
        memory = Recycled(1)
        with closing(self._read([window.leaves for window in windows])) as read:
            for window, leaves in zip(windows, read, strict=True):
                taken = take_window(
                    self._engine, settings, state, window, leaves, learning_rate, memory
                )
                state = taken.state
                yield taken

    def _read(self, windows: Sequence[Sequence[int]]) -> Generator[Iterable[RowsWithTargets]]:
        """Read the leaves of windows; a window that is the only one stays in memory."""
        if len(windows) > 1:
            yield from self._problem.windows(windows)
            return
        if not self._rows:
            self._rows = dict(self._problem.leaves(sorted(windows[0])))
        yield [self._rows[leaf] for leaf in windows[0]]
