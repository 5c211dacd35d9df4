"""The state of a run as a value, from which the run continues as if it had never stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.engines import Moments
    from handgrad.network import Network
    from handgrad.solvers.history import History


class BatchMemory(NamedTuple):
    """What sgd and adam remember between two epochs, apart from the network."""

    moments: Moments | None
    order: npt.NDArray[np.int64] | None
    """The order of the last epoch, which the next one shuffles; see `handgrad.engines.Batches`."""
    random: dict[str, Any] | None
    """What ``RandomState.get_state(legacy=False)`` gave; None if the rows stay in order."""

    def random_state(self) -> np.random.RandomState | None:
        """Return a random state that draws what the run would have drawn next."""
        if self.random is None:
            return None
        state = np.random.RandomState()
        state.set_state(self.random)
        return state


@dataclass(frozen=True, eq=False, kw_only=True)
class RunState:
    """Where a run stands after an iteration, and all that it needs to continue.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> from handgrad.solvers import train
    >>> network, engine = Network.initial(features=2, hidden=3, classes=2), get_engine()
    >>> rows = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> half = train(network, *rows, engine=engine, solver="adam", epochs=4)
    >>> rest = train(network, *rows, engine=engine, solver="adam", epochs=9, start=half.state)
    >>> whole = train(network, *rows, engine=engine, solver="adam", epochs=9)
    >>> rest.costs.tolist() == whole.costs.tolist()
    True
    """

    solver: str
    """The name of the solver."""
    network: Network
    learning_rate: float
    """η of the next iteration; NaN for lbfgs, which has none."""
    history: History
    """The figures of the iterations taken, one of each per iteration."""
    best: Network | None = None
    """The network of the lowest figure so far."""
    lowest: float = np.inf
    """That figure."""
    figure: float = np.inf
    """The figure that patience compares with."""
    waited: int = 0
    """Iterations since patience saw the figure fall."""
    memory: BatchMemory | None = None
    """What sgd and adam remember; without it, their moments and their order begin anew."""

    @property
    def iterations(self) -> int:
        """The iterations that led to the network."""
        return len(self.history.costs)

    def back_at(self, iteration: int, network: Network) -> RunState:
        """Return the state of an earlier iteration, of which only the network is known."""
        if iteration == self.iterations:
            return self
        return RunState(
            solver=self.solver,
            network=network,
            learning_rate=self.learning_rate,
            history=self.history.until(iteration),
        )

    def without_order(self) -> RunState:
        """Return the state for rows that are ordered in another way: their order begins anew."""
        memory = self.memory and self.memory._replace(order=None)
        return replace(self, memory=memory)

    def with_learning_rate(self, learning_rate: float) -> RunState:
        """Return the state with another η."""
        return replace(self, learning_rate=learning_rate)
