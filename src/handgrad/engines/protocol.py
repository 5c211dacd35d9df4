"""What every engine can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from handgrad.data.blocks import read_ahead
from handgrad.errors import ShapeError
from handgrad.objective import Objective
from handgrad.rows import bytes_unless_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy as np
    import numpy.typing as npt

    from handgrad.backpropagation import Gradient
    from handgrad.data import Blocks
    from handgrad.engines.rules import Rule
    from handgrad.engines.weights import BlockWeights
    from handgrad.network import Matrix, Network
    from handgrad.targets import Targets

T = TypeVar("T")


class Progress(NamedTuple):
    """How far a run has come; an engine hands it to ``on_progress``."""

    network: Network
    """In a descent the network whose cost is the last of ``costs``; in an epoch of batches the
    network after the last step."""
    costs: npt.NDArray[np.float64]
    """(n,): the costs measured so far, each before its step."""
    accuracies: npt.NDArray[np.float64]
    """(n,): the share of rows predicted right, of the same networks; NaN of values."""


class Measurement(NamedTuple):
    """The results of one forward and backward pass over the rows."""

    cost: float
    """The cost of the objective: the mean loss (O2; C1 for softmax) and the penalty."""
    gradient: Gradient
    """The cost's, in the shapes of the network's parameters."""
    accuracy: float
    """The share of rows predicted right (O4): the class, or all labels. Each row counts once,
    whatever its weight. NaN if values are predicted."""


class Moments(NamedTuple):
    """What a rule remembers between steps; with it, `Session.batches` continues a run."""

    steps: int
    """The steps taken so far."""
    first: tuple[Matrix, ...]
    """Sgd's velocity or adam's first moment, in the shapes of W1, b1, W2, b2 and so on."""
    second: tuple[Matrix, ...]
    """Adam's second moment, in the same shapes."""


class Batches(Protocol):
    """A run of batch steps over a session's rows; the rule's moments last from epoch to epoch."""

    @property
    def samples(self) -> int:
        """Number of rows, m."""

    @property
    def network(self) -> Network:
        """The network after the steps so far."""

    @property
    def moments(self) -> Moments:
        """What the rule remembers."""

    def order(
        self, random: np.random.RandomState | None, before: npt.NDArray[np.int64] | None
    ) -> npt.NDArray[np.int64]:
        """Return an epoch's order, which `epoch` takes.

        Parameters
        ----------
        random : RandomState or None
            Shuffles the order; None leaves the rows in order.
        before : array of int or None
            The order of the epoch before; None before the first epoch.
        """

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
            The rows in the order in which they are cut into batches; all rows of X by default.
            The last batch may be smaller.
        learning_rate : float, optional
            η of this epoch instead of the rule's own.
        on_progress : callable, optional
            Called from time to time, and after the last batch; returns True to end the epoch. It
            may read `network` and `moments`.

        Raises
        ------
        EngineError
            If another epoch of this run is under way, in this thread or another. `network` and
            `moments` raise it too while an epoch computes.
        """


class Predictor(Protocol):
    """Predicts one sample at a time, with the least work per sample."""

    def label(self, x: npt.ArrayLike) -> int:
        """Return the class with the largest probability (O4) of one sample of shape (D,).

        A network that does not predict classes raises a ShapeError.
        """

    def probabilities(self, x: npt.ArrayLike) -> Matrix:
        """Return the outputs (O1) of one sample of shape (D,), as shape (columns,)."""


class Part(Protocol):
    """Rows, labels and weights that an engine holds, for passes over all of them."""

    def cost(self, network: Network) -> float:
        """Compute the objective's cost in a forward pass, without a gradient."""

    def cost_and_gradient(self, network: Network) -> Measurement:
        """Compute the objective's cost, its gradient (L3, L4) and the accuracy in one pass."""


class Session(Part, Protocol):
    """Rows, labels and weights that an engine holds, with what is minimised on them.

    The first pass copies labels, row weights and the indices of sparse rows: what the caller writes
    to them later changes nothing. The session accepts any network that fits the rows, one after
    another.
    """

    def descend(
        self,
        network: Network,
        *,
        learning_rate: float,
        iterations: int,
        on_progress: Callable[[Progress], bool | None] | None = None,
    ) -> tuple[Network, npt.NDArray[np.float64]]:
        """Take full-batch steps (U1); see `Engine.descend`."""

    def batches(
        self,
        network: Network,
        *,
        rule: Rule,
        batch_size: int,
        moments: Moments | None = None,
    ) -> Batches:
        """Begin a run of batch steps; see `Engine.batches`."""


class Engine(ABC):
    """Computes cost, gradient, outputs, and whole runs of descent.

    Rows are samples: dense ``uint8`` pixels (scaled by 1/255), dense numbers of any other real
    type, a SciPy sparse matrix of either, or `handgrad.rows.Bytes` with a scale of their own.
    Results have the type of the network. Row weights replace the 1/m of O2 and O3 by w_i / Σ w, so
    that a weight of 2 counts as the row given twice.
    """

    name: str
    """The name that `get_engine` takes."""
    threads: int
    """How many threads a step may use."""
    instruction_set: str
    """The widest vector instructions that the engine uses."""

    @abstractmethod
    def session(
        self,
        rows: npt.ArrayLike | Blocks,
        targets: npt.ArrayLike | None,
        objective: Objective,
        weights: npt.ArrayLike | BlockWeights | None = None,
    ) -> Session:
        """Hold rows and labels, ready for passes of many networks.

        The first network that reads rows, labels and weights also checks them.

        Parameters
        ----------
        rows : array or SciPy sparse array of shape (m, D), Bytes, or Blocks
        targets : array of shape (m,) or (m, K)
            As `handgrad.Network.targets` takes them; None with blocks, which hold their own.
        objective : Objective
        weights : array of shape (m,), optional
            Row weights.
        """

    @property
    def parts_at_once(self) -> int:
        """How many parts the engine's threads can compute at the same time."""
        return 1

    def part(
        self,
        rows: npt.ArrayLike,
        targets: npt.ArrayLike,
        objective: Objective,
        weights: npt.ArrayLike | None = None,
        *,
        kept: bool = True,  # noqa: ARG002
    ) -> Part:
        """Hold rows that are one part of a larger set, whose parts are passed over side by side.

        Several threads may use a part, or parts, at the same time: where an engine computes
        without the GIL, it passes over a part in the caller's thread alone. Costs and gradients
        are means over the part's rows, and have the same bits whether the part is kept or not.

        Parameters
        ----------
        rows, targets, objective, weights
            Those of `session`.
        kept : bool
            Whether many passes follow, so that it pays to pack the rows. The first pass may then
            let go of the rows as they were given, and later ones take only networks that read
            them alike: of the same sizes, type and scale of bytes.
        """
        return self.session(rows, targets, objective, weights)

    @abstractmethod
    def outputs(self, network: Network, X: npt.ArrayLike) -> Matrix:
        """Compute the outputs (O1), as shape (m, columns): one row per sample.

        They are probabilities of the classes or of the labels, or predicted values.
        """

    def predict_proba(self, network: Network, X: npt.ArrayLike) -> Matrix:
        """Compute the probabilities (O1), as shape (m, classes): one row per sample.

        Raises
        ------
        ShapeError
            If the network predicts values.
        """
        if network.predicts == "values":
            raise ShapeError(
                f"The network predicts values by its output {network.output}; expected one that "
                "predicts probabilities: call outputs()."
            )
        return self.outputs(network, X)

    def map_leaves(
        self, function: Callable[[Engine, Any, Targets], T], blocks: Blocks
    ) -> Generator[T]:
        """Yield what a function returns for each leaf of blocks, in the order of the leaves.

        The function gets an engine, the rows of a leaf, and their targets, as
        `handgrad.data.Blocks.read` gives them. It may be called in another process, so it must be
        one that can be pickled.
        """
        with closing(read_ahead(blocks, range(len(blocks)))) as leaves:
            for _, X, y in leaves:
                yield function(self, bytes_unless_pixels(X, pixels=blocks.pixels), y)

    @abstractmethod
    def predictor(self, network: Network) -> Predictor:
        """Make the network ready to predict single samples."""

    def cost_and_gradient(
        self,
        network: Network,
        X: npt.ArrayLike | Blocks,
        y: npt.ArrayLike | None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> tuple[float, Gradient]:
        """Compute the cost (O2) and its gradient (O3, L3 to L6)."""
        session = self.session(X, y, Objective(network.output), sample_weight)
        cost, gradient, _ = session.cost_and_gradient(network)
        return cost, gradient

    def descend(
        self,
        network: Network,
        X: npt.ArrayLike | Blocks,
        y: npt.ArrayLike | None,
        *,
        learning_rate: float,
        iterations: int,
        sample_weight: npt.ArrayLike | None = None,
        alpha: float = 0.0,
        on_progress: Callable[[Progress], bool | None] | None = None,
    ) -> tuple[Network, npt.NDArray[np.float64]]:
        """Take full-batch steps (U1); return the last network and the cost before each step.

        ``alpha`` is that of `handgrad.objective.Objective`.

        ``on_progress`` is called from time to time when a cost was measured, and always for the
        last cost. When it returns True, no further step is taken.
        """
        session = self.session(X, y, Objective(network.output, alpha=alpha), sample_weight)
        return session.descend(
            network, learning_rate=learning_rate, iterations=iterations, on_progress=on_progress
        )

    def batches(
        self,
        network: Network,
        X: npt.ArrayLike | Blocks,
        y: npt.ArrayLike | None,
        *,
        rule: Rule,
        batch_size: int,
        sample_weight: npt.ArrayLike | None = None,
        alpha: float = 0.0,
        moments: Moments | None = None,
    ) -> Batches:
        """Begin to train in batches of ``batch_size`` rows, or of all rows if there are fewer.

        A weighted row counts w_i / Σ w in its batch. A batch whose weights are all 0 costs 0 and
        has no gradient, but momentum still moves the network. ``alpha`` is that of
        `handgrad.objective.Objective`, with the Σ w of the batch. ``moments`` are those of earlier
        batches of the same rule; by default all are 0.
        """
        session = self.session(X, y, Objective(network.output, alpha=alpha), sample_weight)
        return session.batches(network, rule=rule, batch_size=batch_size, moments=moments)
