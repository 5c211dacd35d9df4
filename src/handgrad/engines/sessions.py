"""What the sessions of all engines share: rows, targets and weights are checked once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from handgrad.engines import inputs
from handgrad.errors import EngineError
from handgrad.objective import Objective
from handgrad.quoting import shown
from handgrad.rows import as_array

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from handgrad.network import Network
    from handgrad.targets import Targets

Prepared = TypeVar("Prepared")


class CheckedSession(ABC, Generic[Prepared]):
    """Prepares the rows once, and again only for a network that reads them differently."""

    def __init__(
        self,
        rows: Any,
        targets: Any,
        objective: Objective,
        weights: Any,
    ) -> None:
        if not isinstance(objective, Objective):
            raise EngineError(f"objective is {shown(objective)}; expected an Objective.")
        self._given: tuple[Any, Any, Any] | None = (rows, targets, weights)
        self.objective = objective
        self._latest: tuple[tuple[object, ...], Prepared] | None = None

    def _prepared(self, network: Network) -> Prepared:
        """Return the rows as `_prepare` returned them for such a network."""
        self.objective.check_output(network)
        latest = self._latest  # read once: other threads may replace it
        if latest is None or latest[0] != network.reading:
            latest = self._latest = network.reading, self._read_by(network)
        return latest[1]

    def _read_by(self, network: Network) -> Prepared:
        if self._given is None:
            raise EngineError(inputs.PACKED_ALREADY)
        X, given, weights = self._given
        rows = network.check_rows(X)
        m = rows.shape[0]
        y = as_array("y", given).copy()  # as given: a network of another type reads it anew
        targets = network.targets(y, m)
        own_weights = None if weights is None else inputs.weights(weights, m).copy()
        self._given = X, y, own_weights  # another network does not read what changes later
        self._total = float(m if own_weights is None else own_weights.sum())
        return self._prepare(network, rows, targets, own_weights)

    def _prepared_for_all(self, network: Network) -> Prepared:
        """Return the rows for passes over all of them, after a check of alpha."""
        prepared = self._prepared(network)
        self.objective.check_decay(self._total, network.dtype)
        return prepared

    @abstractmethod
    def _prepare(
        self,
        network: Network,
        rows: Any,
        targets: Targets,
        weights: npt.NDArray[np.float64] | None,
    ) -> Prepared:
        """Make rows, and targets and weights of the session's own, ready for passes."""
