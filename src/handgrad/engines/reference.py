"""The reference engine: the formulas of the notes as they stand, the oracle of all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad import notes
from handgrad.engines import inputs
from handgrad.engines.protocol import Measurement, Moments, Progress
from handgrad.engines.rules import Adam, Rule, Sgd
from handgrad.engines.threads import processors
from handgrad.engines.turns import Turns
from handgrad.errors import ShapeError
from handgrad.network import Labels, Matrix, Network
from handgrad.rows import as_array, own_places, scaled_rows, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from handgrad.notes import Activations, Gradient


class ReferenceEngine:
    """Calls `handgrad.notes` on all rows at once.

    Examples
    --------
    >>> from handgrad import Network
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> network, costs = ReferenceEngine().descend(network, X, y, learning_rate=0.5, iterations=9)
    >>> bool(costs[-1] < costs[0])
    True
    """

    name = "reference"

    @property
    def threads(self) -> int:
        """The processors that NumPy's matrix products may use."""
        return processors()

    @property
    def instruction_set(self) -> str:
        """The widest vector instructions that NumPy found."""
        config: Any = np.show_config(mode="dicts")
        extensions = config["SIMD Extensions"]
        return str((extensions["found"] or extensions["baseline"])[-1])

    def measure(
        self,
        network: Network,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Measurement:
        """Compute C1, B1 to B7 and the accuracy; see `handgrad.engines.Engine`."""
        rows, labels = _checked(network, X, y)
        shares = inputs.shares(sample_weight, len(labels))
        with inputs.enough_memory():
            activations = notes.forward(network, rows)
            return Measurement(
                _cost(activations, labels, shares),
                _gradient(network, rows, labels, shares, activations),
                _accuracy(activations, labels),
            )

    def cost_and_gradient(
        self,
        network: Network,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> tuple[float, Gradient]:
        """Compute C1 and the gradient B1 to B7; see `handgrad.engines.Engine`."""
        cost, gradient, _ = self.measure(network, X, y, sample_weight)
        return cost, gradient

    def predict_proba(self, network: Network, X: npt.ArrayLike) -> Matrix:
        """Compute F4 as an array of shape (m, K); see `handgrad.engines.Engine`."""
        rows = _finite_rows(network, X)
        with inputs.enough_memory():
            return np.ascontiguousarray(notes.forward(network, rows).A2.T)

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
        """Take full-batch steps (U1); ``on_progress`` is called before each one."""
        inputs.check_descent(learning_rate, iterations, alpha, network.dtype)
        rows, labels = _checked(network, X, y)
        shares = inputs.shares(sample_weight, len(labels))
        penalty = _Penalty(inputs.decay(alpha, sample_weight, len(labels), network.dtype))
        costs, accuracies = inputs.room_for(iterations)
        for step in range(iterations):
            activations = notes.forward(network, rows)
            costs[step] = _cost(activations, labels, shares) + penalty.cost(network)
            accuracies[step] = _accuracy(activations, labels)
            if on_progress is not None:
                measured = slice(step + 1)
                if on_progress(Progress(network, costs[measured], accuracies[measured])):
                    return network, costs[:step]
            gradient = _gradient(network, rows, labels, shares, activations, pin_first)
            network = notes.descend(network, penalty.added(network, gradient), learning_rate)
        return network, costs

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
    ) -> ReferenceBatches:
        """Begin to train in batches; see `handgrad.engines.Engine`."""
        inputs.check_rule(rule, network.dtype)
        inputs.check_batch_size(batch_size)
        inputs.check_alpha(alpha)
        if moments is not None:
            inputs.check_moments(moments, network)
        rows, labels = _checked(network, X, y)
        weights = np.ones(len(labels))
        if sample_weight is not None:
            weights = inputs.weights(sample_weight, len(labels)).copy()
        size = min(int(batch_size), len(labels))
        return ReferenceBatches(
            network, rows, labels, weights, rule, size, alpha, pin_first, moments
        )

    def predictor(self, network: Network) -> ReferencePredictor:
        """Make the network ready to predict single samples."""
        return ReferencePredictor(network)


class ReferenceBatches:
    """Takes the rows batch by batch; see `handgrad.engines.Batches`."""

    def __init__(
        self,
        network: Network,
        rows: Matrix,
        labels: Labels,
        weights: npt.NDArray[np.float64],
        rule: Rule,
        batch_size: int,
        alpha: float,
        pin_first: bool,
        moments: Moments | None,
    ) -> None:
        self._network, self._turns = network, Turns()
        self._rows, self._labels, self._weights = rows, labels, weights
        self._rule, self._batch_size = rule, batch_size
        self._alpha, self._pin_first = alpha, pin_first
        zeros = tuple(np.zeros_like(array) for array in network.parameters)
        self._steps, first, second = moments or (0, zeros, zeros)
        self._first, self._second = [a.copy() for a in first], [a.copy() for a in second]

    @property
    def network(self) -> Network:
        """The network after the steps so far."""
        self._turns.check_readable()
        return self._network

    @property
    def moments(self) -> Moments:
        """What the rule remembers."""
        self._turns.check_readable()
        W1, b1, W2, b2 = (array.copy() for array in self._first)
        V1, c1, V2, c2 = (array.copy() for array in self._second)
        return Moments(self._steps, (W1, b1, W2, b2), (V1, c1, V2, c2))

    def epoch(
        self,
        order: npt.ArrayLike | None = None,
        *,
        learning_rate: float | None = None,
        on_progress: Callable[[Progress], bool | None] | None = None,
    ) -> npt.NDArray[np.float64]:
        """Take one step per batch; see `handgrad.engines.Batches`."""
        rate = self._rule.learning_rate if learning_rate is None else learning_rate
        inputs.check_rate(rate, self.network.dtype)
        rows = inputs.check_order(order, len(self._labels))
        with self._turns.epoch():
            return self._take_steps(rows, float(rate), on_progress)

    def _take_steps(
        self,
        order: npt.NDArray[np.int64],
        rate: float,
        on_progress: Callable[[Progress], bool | None] | None,
    ) -> npt.NDArray[np.float64]:
        starts = range(0, len(order), self._batch_size)
        costs, accuracies = inputs.room_for(len(starts))
        for done, start in enumerate(starts, start=1):
            batch = order[start : start + self._batch_size]
            costs[done - 1], accuracies[done - 1] = self._take_step(batch, rate)
            if on_progress is None:
                continue
            progress = Progress(self._network, costs[:done], accuracies[:done])
            with self._turns.pause():
                stops = on_progress(progress)
            if stops:
                return costs[:done]
        return costs

    def _take_step(self, batch: npt.NDArray[np.int64], rate: float) -> tuple[float, float]:
        X, y, weights = self._rows[batch], self._labels[batch], self._weights[batch]
        shares = weights / (weights.sum() or 1)  # a batch without weight changes nothing
        activations = notes.forward(self._network, X)
        gradient = _gradient(self._network, X, y, shares, activations, self._pin_first)
        penalty = _Penalty(self._alpha / (weights.sum() or np.inf))
        cost = _cost(activations, y, shares) + penalty.cost(self._network)
        self._steps += 1
        self._network = Network(*self._updated(penalty.added(self._network, gradient), rate))
        return cost, _accuracy(activations, y)

    def _updated(self, gradient: Gradient, rate: float) -> Iterator[Matrix]:
        of_each = zip(self._network.parameters, gradient, self._first, self._second, strict=True)
        for parameter, slope, first, second in of_each:
            if isinstance(self._rule, Adam):
                change = _adam(self._rule, rate, self._steps, slope, first, second)
            else:
                change = _sgd(self._rule, rate, slope, first)
            yield (parameter + change).astype(parameter.dtype)


class ReferencePredictor:
    """Predicts one sample at a time; see `handgrad.engines.Predictor`."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def label(self, x: npt.ArrayLike) -> int:
        """Return the label of one sample."""
        return int(self.probabilities(x).argmax())

    def probabilities(self, x: npt.ArrayLike) -> Matrix:
        """Return the probabilities of one sample."""
        probabilities: Matrix = notes.forward(self._network, _one_row(self._network, x)).A2[:, 0]
        return probabilities


def _one_row(network: Network, x: npt.ArrayLike) -> Matrix:
    sample = as_array("x", x)
    inputs.check_sample(sample, network.D)
    return _finite_rows(network, sample[None, :])


def _sgd(rule: Sgd, rate: float, slope: Matrix, velocity: Matrix) -> Matrix:
    velocity *= rule.momentum
    velocity -= rate * slope
    return rule.momentum * velocity - rate * slope if rule.nesterov else velocity


def _adam(
    rule: Adam, rate: float, steps: int, slope: Matrix, first: Matrix, second: Matrix
) -> Matrix:
    first *= rule.beta_1
    first += (1 - rule.beta_1) * slope
    second *= rule.beta_2
    second += (1 - rule.beta_2) * slope**2
    rate *= float(np.sqrt(1 - rule.beta_2**steps) / (1 - rule.beta_1**steps))
    change: Matrix = -rate * first / (np.sqrt(second) + rule.epsilon)
    return change


def _cost(activations: Activations, labels: Labels, shares: npt.NDArray[np.float64]) -> float:
    return float(notes.losses(activations.Z2, labels) @ shares)


def _accuracy(activations: Activations, labels: Labels) -> float:
    return float(np.mean(activations.A2.argmax(axis=0) == labels))


def _gradient(
    network: Network,
    rows: Matrix,
    labels: Labels,
    shares: npt.NDArray[np.float64],
    activations: Activations,
    pin_first: bool = False,
) -> Gradient:
    dZ2 = notes.output_gradient(activations.A2, labels)  # B1
    dZ2 *= (len(shares) * shares).astype(dZ2.dtype)  # sample i counts w_i / Σ w instead of 1/m
    if pin_first:
        dZ2[0] = 0
    return notes.propagate(network, rows, activations, dZ2).gradient  # B2 to B7


class _Penalty(NamedTuple):
    """What large weights cost: half of decay times their squares."""

    decay: float

    def cost(self, network: Network) -> float:
        squares = sum(float(np.sum(W * W, dtype=np.float64)) for W in (network.W1, network.W2))
        return self.decay / 2 * squares

    def added(self, network: Network, gradient: Gradient) -> Gradient:
        dW1 = gradient.dW1 + network.dtype.type(self.decay) * network.W1
        dW2 = gradient.dW2 + network.dtype.type(self.decay) * network.W2
        return gradient._replace(dW1=dW1, dW2=dW2)


def _checked(network: Network, X: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Matrix, Labels]:
    rows = _finite_rows(network, X)
    return rows, network.labels(y, rows.shape[0]).copy()  # a callback may write to the caller's


def _finite_rows(network: Network, X: npt.ArrayLike) -> Matrix:
    given = network.check_rows(X)
    with inputs.enough_memory():
        rows: Matrix = scaled_rows(own_places(given), network.dtype)
        if given.dtype != np.uint8 and not np.isfinite(values_of(rows)).all():
            raise ShapeError(inputs.NOT_FINITE)
    return rows
