"""What every engine can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from handgrad.engines.rules import Rule
    from handgrad.network import Matrix, Network
    from handgrad.notes import Gradient


class Progress(NamedTuple):
    """How far a run has come; an engine hands it to ``on_progress``."""

    network: Network
    """In a descent the network whose cost is the last of ``costs``; in an epoch of batches the
    network after the last step."""
    costs: npt.NDArray[np.float64]
    """(n,): the costs measured so far, each before its step."""
    accuracies: npt.NDArray[np.float64]
    """(n,): the share of rows predicted right, likewise."""


class Measurement(NamedTuple):
    """What one pass over the rows tells of a network."""

    cost: float
    """C1."""
    gradient: Gradient
    """B2, B3, B6 and B7."""
    accuracy: float
    """The share of rows predicted right (F5), each row counted once whatever its weight."""


class Moments(NamedTuple):
    """What a rule remembers between steps; hand it to `Engine.batches` to go on with other rows."""

    steps: int
    """The steps taken so far."""
    first: tuple[Matrix, Matrix, Matrix, Matrix]
    """Sgd's velocity or adam's first moment, in the shapes of W1, b1, W2, b2."""
    second: tuple[Matrix, Matrix, Matrix, Matrix]
    """Adam's second moment, likewise."""


class Batches(Protocol):
    """Training in batches over the same rows; the rule's moments last from epoch to epoch.

    Labels, row weights and the places of sparse rows are copied at the beginning: what the caller
    writes to them later changes nothing.
    """

    @property
    def network(self) -> Network:
        """The network after the steps so far."""

    @property
    def moments(self) -> Moments:
        """What the rule remembers."""

    def epoch(
        self,
        order: npt.ArrayLike | None = None,
        *,
        learning_rate: float | None = None,
        on_progress: Callable[[Progress], bool | None] | None = None,
    ) -> npt.NDArray[np.float64]:
        """Take one step per batch, and return the cost of each batch before its step.

        Parameters
        ----------
        order : array of int, optional
            The rows, cut into batches as they stand here; all rows of X by default. The last
            batch may be smaller.
        learning_rate : float, optional
            η of this epoch instead of the rule's own.
        on_progress : callable, optional
            Called now and then, and after the last batch; returns True to end the epoch. It may
            read `network` and `moments`.

        Raises
        ------
        EngineError
            If another epoch of this run is under way, be it in another thread. `network` and
            `moments` raise it too, while an epoch computes.
        """


class Predictor(Protocol):
    """Predicts one sample at a time, with no more to do for each than there must be."""

    def label(self, x: npt.ArrayLike) -> int:
        """Return the class with the largest probability (F5) of one sample of shape (D,)."""

    def probabilities(self, x: npt.ArrayLike) -> Matrix:
        """Return the probabilities (F4) of one sample of shape (D,), as shape (K,)."""


class Engine(Protocol):
    """Computes cost, gradient, probabilities, and whole runs of descent.

    Rows are samples: dense ``uint8`` pixels (scaled by 1/255), dense numbers of any other real
    type, a SciPy sparse matrix of either, or `handgrad.rows.Bytes` with a scale of their own.
    Results have the type of the network. Row weights replace the 1/m of C1 and B1 by w_i / Σ w, so
    that a weight of 2 counts as the row given twice.
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

    def measure(
        self,
        network: Network,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Measurement:
        """Compute C1, the gradient B1 to B7, and the accuracy, in one pass."""

    def cost_and_gradient(
        self,
        network: Network,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> tuple[float, Gradient]:
        """Compute C1 and the gradient B1 to B7: what `measure` tells, but for the accuracy."""

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
        alpha: float = 0.0,
        pin_first: bool = False,
        on_progress: Callable[[Progress], bool | None] | None = None,
    ) -> tuple[Network, npt.NDArray[np.float64]]:
        """Take full-batch steps (U1); return the last network and the cost before each step.

        With ``alpha`` the cost is C1 + α Σ W² / 2 Σ w, over all weights of W1 and W2 (not the
        biases), where Σ w is m or the sum of the row weights. ``pin_first`` leaves the logit of
        class 0 as it is: with two classes and that logit 0 the other one is a logistic unit.

        ``on_progress`` is called whenever a cost was measured and there is time for it, for the
        last cost at any rate; when it returns True, no further step is taken.
        """

    def batches(
        self,
        network: Network,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        rule: Rule,
        batch_size: int,
        sample_weight: npt.ArrayLike | None = None,
        alpha: float = 0.0,
        pin_first: bool = False,
        moments: Moments | None = None,
    ) -> Batches:
        """Begin to train in batches of ``batch_size`` rows, of all rows of X at most.

        A weighted row counts w_i / Σ w in its batch. A batch whose weights are all 0 costs 0 and
        has no gradient, but momentum still moves the network. ``alpha`` and ``pin_first`` are
        those of `descend`, with the Σ w of the batch. ``moments`` are those of earlier batches of
        the same rule; by default all are 0.
        """

    def predictor(self, network: Network) -> Predictor:
        """Make the network ready to predict single samples."""
