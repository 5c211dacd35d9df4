"""The reference engine: the formulas, layer by layer; the oracle of all other engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad import backpropagation, outputs
from handgrad.data import Blocks
from handgrad.engines import inputs
from handgrad.engines.blocks import block_session
from handgrad.engines.descent import descend
from handgrad.engines.orders import shuffled
from handgrad.engines.protocol import Engine, Measurement, Moments, Progress
from handgrad.engines.rules import Adam, Rule, Sgd
from handgrad.engines.sessions import CheckedSession
from handgrad.engines.threads import processors
from handgrad.engines.turns import Turns
from handgrad.errors import ShapeError
from handgrad.rows import as_array, own_indices, scaled_rows, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from handgrad.backpropagation import Gradient
    from handgrad.engines.protocol import Session
    from handgrad.engines.weights import BlockWeights
    from handgrad.layers import Matrix
    from handgrad.network import Network
    from handgrad.objective import Objective
    from handgrad.targets import Targets


class ReferenceEngine(Engine):
    """Calls `handgrad.backpropagation` on all rows at once."""

    name = "reference"

    def __init__(self) -> None:
        self.threads = processors()  # that NumPy's matrix products may use
        config: Any = np.show_config(mode="dicts")
        extensions = config["SIMD Extensions"]
        self.instruction_set = str((extensions["found"] or extensions["baseline"])[-1])

    def session(
        self,
        rows: npt.ArrayLike | Blocks,
        targets: npt.ArrayLike | None,
        objective: Objective,
        weights: npt.ArrayLike | BlockWeights | None = None,
    ) -> Session:
        """Hold rows and labels; see `handgrad.engines.Engine`."""
        if isinstance(rows, Blocks):
            return block_session(self, rows, targets, objective, weights)
        return ReferenceSession(rows, targets, objective, weights)

    def outputs(self, network: Network, X: npt.ArrayLike) -> Matrix:
        """Compute the outputs (O1), as shape (m, columns); see `handgrad.engines.Engine`."""
        rows = _finite_rows(network, network.check_rows(X))
        with inputs.enough_memory():
            return _outputs(network, rows)

    def predictor(self, network: Network) -> ReferencePredictor:
        """Make the network ready to predict single samples."""
        return ReferencePredictor(network)


class HeldRows(NamedTuple):
    """Rows as the network reads them, with their targets and weights."""

    rows: Matrix
    targets: Targets
    weights: npt.NDArray[np.float64] | None

    def only(self, batch: npt.NDArray[np.int64]) -> HeldRows:
        """Return some of the samples."""
        weights = None if self.weights is None else self.weights[batch]
        return HeldRows(self.rows[batch], self.targets[batch], weights)

    @property
    def total(self) -> float:
        """Σ w, or the number of rows."""
        return float(len(self.targets) if self.weights is None else self.weights.sum())


class ReferenceSession(CheckedSession[HeldRows]):
    """Calls `handgrad.backpropagation` on all rows at once; see `handgrad.engines.Session`."""

    def _prepare(
        self,
        network: Network,
        rows: Any,
        targets: Targets,
        weights: npt.NDArray[np.float64] | None,
    ) -> HeldRows:
        return HeldRows(_finite_rows(network, rows), targets, weights)

    def cost(self, network: Network) -> float:
        """Compute the cost; see `handgrad.engines.Session`."""
        samples = self._prepared_for_all(network)
        with inputs.enough_memory():
            return _Pass(network, samples, self.objective).cost

    def cost_and_gradient(self, network: Network) -> Measurement:
        """Compute cost, gradient and accuracy; see `handgrad.engines.Session`."""
        samples = self._prepared_for_all(network)
        with inputs.enough_memory():
            pass_ = _Pass(network, samples, self.objective)
            return Measurement(pass_.cost, pass_.gradient, pass_.accuracy)

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
        self._prepared_for_all(network)  # checks them even if no step follows
        return descend(self.cost_and_gradient, network, learning_rate, iterations, on_progress)

    def batches(
        self,
        network: Network,
        *,
        rule: Rule,
        batch_size: int,
        moments: Moments | None = None,
    ) -> ReferenceBatches:
        """Begin to train in batches; see `handgrad.engines.Session`."""
        inputs.check_batches(rule, batch_size, moments, network)
        samples = self._prepared(network)
        size = min(int(batch_size), len(samples.targets))
        return ReferenceBatches(network, samples, self.objective, rule, size, moments)


class ReferenceBatches:
    """Takes the rows batch by batch; see `handgrad.engines.Batches`."""

    def __init__(
        self,
        network: Network,
        samples: HeldRows,
        objective: Objective,
        rule: Rule,
        batch_size: int,
        moments: Moments | None,
    ) -> None:
        self._network, self._turns = network, Turns()
        self._samples, self._objective = samples, objective
        self._rule, self._batch_size = rule, batch_size
        self._steps, first, second = moments or inputs.zero_moments(network)
        self._first, self._second = [a.copy() for a in first], [a.copy() for a in second]

    @property
    def samples(self) -> int:
        """Number of rows, m."""
        return len(self._samples.targets)

    @property
    def network(self) -> Network:
        """The network after the steps so far."""
        self._turns.check_readable()
        return self._network

    @property
    def moments(self) -> Moments:
        """What the rule remembers."""
        self._turns.check_readable()
        first, second = (tuple(a.copy() for a in arrays) for arrays in (self._first, self._second))
        return Moments(self._steps, first, second)

    def order(
        self, random: np.random.RandomState | None, before: npt.NDArray[np.int64] | None
    ) -> npt.NDArray[np.int64]:
        """Return an epoch's order of the rows; see `handgrad.engines.Batches`."""
        return shuffled(self.samples, random, before)

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
        rows = inputs.check_order(order, len(self._samples.targets))
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
        pass_ = _Pass(self._network, self._samples.only(batch), self._objective)
        self._steps += 1
        dtype = self._network.dtype
        updated = self._updated(pass_.gradient, rate)
        self._network = self._network.with_parameters(array.astype(dtype) for array in updated)
        return pass_.cost, pass_.accuracy

    def _updated(self, gradient: Gradient, rate: float) -> Iterator[Matrix]:
        of_each = zip(self._network.parameters, gradient, self._first, self._second, strict=True)
        for parameter, slope, first, second in of_each:
            if isinstance(self._rule, Adam):
                change = _adam(self._rule, rate, self._steps, slope, first, second)
            else:
                change = _sgd(self._rule, rate, slope, first)
            yield parameter + change


class ReferencePredictor(NamedTuple):
    """Predicts one sample at a time; see `handgrad.engines.Predictor`."""

    network: Network

    def label(self, x: npt.ArrayLike) -> int:
        """Return the label of one sample."""
        inputs.check_predicts_classes(self.network)
        return int(self.probabilities(x).argmax())

    def probabilities(self, x: npt.ArrayLike) -> Matrix:
        """Return the outputs of one sample: probabilities or values."""
        sample = as_array("x", x)
        inputs.check_sample(sample, self.network.D)
        rows = _finite_rows(self.network, self.network.check_rows(sample[None, :]))
        probabilities: Matrix = _outputs(self.network, rows)[0]
        return probabilities


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


class _Pass:
    """One pass over some samples, forward and, if a gradient is asked for, back."""

    def __init__(self, network: Network, samples: HeldRows, objective: Objective) -> None:
        self._network, self._samples, self._objective = network, samples, objective
        self._layers = backpropagation.forward(network, samples.rows)

    @property
    def cost(self) -> float:
        output, (_, targets, weights) = self._network.output, self._samples
        losses = outputs.losses(self._layers[-1].Z, targets, output)
        total = self._samples.total
        mean = losses.mean() if weights is None else losses @ (weights / (total or 1))
        share = self._objective.share_of_loss(self._network)
        return float(mean) * share + self._objective.penalty(self._network, total)

    @property
    def accuracy(self) -> float:
        if self._network.predicts == "values":
            return np.nan
        A, y = self._layers[-1].A, self._samples.targets
        return float(np.mean(outputs.predicted_right(A, y, self._network.output)))

    @property
    def gradient(self) -> Gradient:
        network, (rows, targets, weights) = self._network, self._samples
        total = self._samples.total
        dZ = outputs.output_gradient(self._layers[-1].A, targets, network.output)  # O3
        if weights is not None:  # sample i counts w_i / Σ w, not 1/m; nothing if all weigh 0
            dZ *= (len(weights) * (weights / (total or 1))).astype(dZ.dtype)
        layers = backpropagation.propagate(network, rows, self._layers, dZ)  # L3 to L6
        return self._objective.penalised(backpropagation.gradient_of(layers), network, total)


def _outputs(network: Network, rows: Matrix) -> Matrix:
    """Return O1 with samples as rows; a single logistic output becomes two classes."""
    last = backpropagation.forward(network, rows)[-1]
    if network.columns == network.K:
        return np.ascontiguousarray(last.A.T)
    return np.vstack([outputs.apply_output(-last.Z, network.output), last.A]).T.copy()


def _finite_rows(network: Network, given: Any) -> Matrix:
    with inputs.enough_memory():
        rows: Matrix = scaled_rows(own_indices(given), network.dtype)
        if given.dtype != np.uint8 and not np.isfinite(values_of(rows)).all():
            raise ShapeError(inputs.NOT_FINITE)
    return rows
