"""What every engine can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from handgrad.network import Matrix, Network
    from handgrad.notes import Gradient


class Progress(NamedTuple):
    """How far a run of descent has come; an engine hands it to ``on_progress``."""

    network: Network
    """The network whose cost is the last of ``costs``."""
    costs: npt.NDArray[np.float64]
    """(n,): the costs measured so far, the first before the first step."""
    accuracies: npt.NDArray[np.float64]
    """(n,): the share of rows predicted right, likewise."""


class Engine(Protocol):
    """Computes cost, gradient, probabilities, and whole runs of descent.

    Rows are dense, samples as rows: ``uint8`` pixels (scaled by 1/255), ``float32`` or
    ``float64``. Results have the type of the network. Row weights replace the 1/m of C1 and B1
    by w_i / Σ w, so that a weight of 2 counts as the row given twice.
    """

    @property
    def name(self) -> str:
        """The name that `get_engine` takes."""

    @property
    def threads(self) -> int:
        """How many threads a step may use."""

    @property
    def instruction_set(self) -> str:
        """The widest vector instructions that the engine uses."""

    def cost_and_gradient(
        self,
        network: Network,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> tuple[float, Gradient]:
        """Compute C1 and the gradient B1 to B7."""

    def predict_proba(self, network: Network, X: npt.ArrayLike) -> Matrix:
        """Compute the probabilities of F4 as an array of shape (m, K): samples are rows."""

    def descend(
        self,
        network: Network,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        learning_rate: float,
        iterations: int,
        sample_weight: npt.ArrayLike | None = None,
        on_progress: Callable[[Progress], bool | None] | None = None,
    ) -> tuple[Network, npt.NDArray[np.float64]]:
        """Take full-batch steps (U1); return the last network and the cost before each step.

        ``on_progress`` is called whenever a cost was measured and there is time for it, for the
        last cost at any rate; when it returns True, no further step is taken.
        """
