"""The native engine: the passes as C++ kernels, one reading of the rows per step (native/)."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from handgrad.backpropagation import Gradient
from handgrad.data import Blocks
from handgrad.engines import _native, inputs
from handgrad.engines.blocks import block_session
from handgrad.engines.core_values import (
    CoreErrors,
    core_network,
    core_objective,
    core_rows,
    core_rule,
    core_targets,
    parameters_of,
    range_of,
)
from handgrad.engines.orders import shuffled
from handgrad.engines.protocol import Engine, Measurement, Moments, Progress
from handgrad.engines.sessions import CheckedSession
from handgrad.engines.threads import check_threads, processors
from handgrad.errors import EngineError, ShapeError
from handgrad.rows import as_array

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.engines.protocol import Session
    from handgrad.engines.rules import Rule
    from handgrad.engines.weights import BlockWeights
    from handgrad.layers import Matrix
    from handgrad.network import Network
    from handgrad.objective import Objective
    from handgrad.targets import Targets

    CoreSession: TypeAlias = _native.Session32 | _native.Session64
    CorePart: TypeAlias = _native.PartSession32 | _native.PartSession64
    CoreBatches: TypeAlias = _native.Batches32 | _native.Batches64

INSTRUCTION_SET_VARIABLE = "HANDGRAD_INSTRUCTION_SET"
MOST_WORKERS = 1024  # more threads than any step can use


class NativeEngine(Engine):
    """Computes what the reference engine computes, several times faster.

    Results do not depend on the number of threads, nor on the run: the rows are cut into
    slices by their number alone, and the slices' gradients are added in one fixed order.

    Parameters
    ----------
    threads : int, optional
        How many threads a call may use, at most 1024 of them; by default one for each processor.

    Raises
    ------
    EngineError
        If the variable ``HANDGRAD_INSTRUCTION_SET`` names a set that is not there, or threads
        is not a whole number of 1 or more.

    Examples
    --------
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> network, costs = NativeEngine().descend(network, X, y, learning_rate=0.5, iterations=9)
    >>> bool(costs[-1] < costs[0])
    True
    """

    name = "native"

    def __init__(self, threads: int | None = None) -> None:
        check_threads(threads)
        self.threads = min(threads or processors(), MOST_WORKERS)
        self.instruction_set = _chosen_instruction_set()

    def session(
        self,
        rows: npt.ArrayLike | Blocks,
        targets: npt.ArrayLike | None,
        objective: Objective,
        weights: npt.ArrayLike | BlockWeights | None = None,
    ) -> Session:
        """Hold rows and targets; see `handgrad.engines.Engine`."""
        if isinstance(rows, Blocks):
            return block_session(self, rows, targets, objective, weights)
        return NativeSession(self, rows, targets, objective, weights)

    @property
    def parts_at_once(self) -> int:
        """How many parts the engine's threads can compute at the same time."""
        return self.threads

    def part(
        self,
        rows: npt.ArrayLike,
        targets: npt.ArrayLike,
        objective: Objective,
        weights: npt.ArrayLike | None = None,
        *,
        kept: bool = True,
    ) -> NativePart:
        """Hold one part of a larger set of rows; see `handgrad.engines.Engine`."""
        return NativePart(self, rows, targets, objective, weights, kept)

    def outputs(self, network: Network, X: npt.ArrayLike) -> Matrix:
        """Compute the outputs (O1), as shape (m, columns); see `handgrad.engines.Engine`."""
        with CoreErrors():
            rows = core_rows(network, network.check_rows(X), self.threads)
            return _native.outputs(self.instruction_set, self.threads, core_network(network), rows)

    def predictor(self, network: Network) -> NativePredictor:
        """Make the network ready to predict single samples."""
        return NativePredictor(self, network)


class NativeSession(CheckedSession["CoreSession"]):
    """Rows and targets in the core; see `handgrad.engines.Session`."""

    def __init__(
        self,
        engine: NativeEngine,
        rows: Any,
        targets: Any,
        objective: Objective,
        weights: Any,
    ) -> None:
        super().__init__(rows, targets, objective, weights)
        self._engine = engine

    def _prepare(
        self,
        network: Network,
        rows: Any,
        targets: Targets,
        weights: npt.NDArray[np.float64] | None,
    ) -> CoreSession:
        engine = self._engine
        core = _native.Session32 if network.dtype == np.float32 else _native.Session64
        with CoreErrors():
            return core(
                engine.instruction_set,
                engine.threads,
                core_rows(network, rows, engine.threads),
                *core_targets(network, targets),
                core_objective(self.objective),
                weights,
                self._total,
            )

    def cost(self, network: Network) -> float:
        """Compute the cost; see `handgrad.engines.Session`."""
        return _cost(self._prepared_for_all(network), network)

    def cost_and_gradient(self, network: Network) -> Measurement:
        """Compute cost, gradient and accuracy; see `handgrad.engines.Session`."""
        return _cost_and_gradient(self._prepared_for_all(network), network)

    def descend(
        self,
        network: Network,
        *,
        learning_rate: float,
        iterations: int,
        on_progress: Callable[[Progress], bool | None] | None = None,
    ) -> tuple[Network, npt.NDArray[np.float64]]:
        """Take full-batch steps (U1); ``on_progress`` is called every 50 ms at most."""
        inputs.check_descent(learning_rate, iterations, network.dtype)
        core = self._prepared_for_all(network)
        if iterations == 0:
            return network, np.empty(0)
        costs, accuracies = inputs.room_for(iterations)
        report = _reporter(network, costs, accuracies, on_progress)
        with CoreErrors():
            steps, layers = core.descend(
                core_network(network), float(learning_rate), costs, accuracies, report
            )
        return network.with_parameters(parameters_of(layers)), costs[:steps]

    def batches(
        self,
        network: Network,
        *,
        rule: Rule,
        batch_size: int,
        moments: Moments | None = None,
    ) -> NativeBatches:
        """Begin to train in batches; see `handgrad.engines.Session`."""
        inputs.check_batches(rule, batch_size, moments, network)
        core = self._prepared(network)
        batch_size = min(int(batch_size), core.count)
        with CoreErrors():
            run = core.batches(core_network(network), core_rule(rule), batch_size)
            if moments is not None:
                first, second = (
                    core_network(network.with_parameters(arrays)) for arrays in moments[1:]
                )
                run.restore(int(moments.steps), first, second)
        return NativeBatches(run, rule, batch_size, core.count, network)


class NativePart(CheckedSession["CorePart"]):
    """One part of a larger set of rows; see `handgrad.engines.Engine.part`."""

    def __init__(
        self,
        engine: NativeEngine,
        rows: npt.ArrayLike,
        targets: npt.ArrayLike,
        objective: Objective,
        weights: npt.ArrayLike | None,
        kept: bool,
    ) -> None:
        super().__init__(rows, targets, objective, weights)
        self._instruction_set, self._kept = engine.instruction_set, kept
        self._preparing = threading.Lock()

    def cost(self, network: Network) -> float:
        """Compute the cost; see `handgrad.engines.Part`."""
        return _cost(self._prepared_for_all(network), network)

    def cost_and_gradient(self, network: Network) -> Measurement:
        """Compute cost, gradient and accuracy; see `handgrad.engines.Part`."""
        return _cost_and_gradient(self._prepared_for_all(network), network)

    def _prepared(self, network: Network) -> CorePart:
        with self._preparing:  # once, although several threads may come here first
            return super()._prepared(network)

    def _read_by(self, network: Network) -> CorePart:
        core = super()._read_by(network)
        if self._kept:
            self._given = None  # the core holds what it needs
        return core

    def _prepare(
        self,
        network: Network,
        rows: Any,
        targets: Targets,
        weights: npt.NDArray[np.float64] | None,
    ) -> CorePart:
        core = _native.PartSession32 if network.dtype == np.float32 else _native.PartSession64
        with CoreErrors():
            return core(
                self._instruction_set,
                core_rows(network, rows, threads=1),
                *core_targets(network, targets),
                core_objective(self.objective),
                weights,
                self._total,
                self._kept,
            )


class NativeBatches:
    """Trains in batches inside the core; see `handgrad.engines.Batches`."""

    def __init__(
        self,
        run: CoreBatches,
        rule: Rule,
        batch_size: int,
        m: int,
        like: Network,
    ) -> None:
        self._run, self._rule, self._batch_size = run, rule, batch_size
        self.samples, self._like = m, like

    @property
    def network(self) -> Network:
        """The network after the steps so far."""
        with CoreErrors():
            return self._like.with_parameters(parameters_of(self._run.parameters()))

    @property
    def moments(self) -> Moments:
        """What the rule remembers."""
        with CoreErrors():
            steps, first, second = self._run.moments()
        return Moments(steps, parameters_of(first), parameters_of(second))

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
        inputs.check_rate(rate, self._like.dtype)
        rows = inputs.check_order(order, self.samples)
        batches = -(-len(rows) // self._batch_size)
        costs, accuracies = inputs.room_for(batches)
        report = _reporter(self._like, costs, accuracies, on_progress)
        with CoreErrors():
            done = self._run.epoch(rows, float(rate), costs, accuracies, report)
        return costs[:done]


class NativePredictor:
    """Predicts one sample at a time; see `handgrad.engines.Predictor`.

    Examples
    --------
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> NativeEngine().predictor(network).probabilities(np.array([0.0, 1.0])).shape
    (2,)
    """

    def __init__(self, engine: NativeEngine, network: Network) -> None:
        core = _native.Predictor32 if network.dtype == np.float32 else _native.Predictor64
        least, most = range_of(network)
        largest = min(most, network.largest_value)
        with CoreErrors():
            self._core = core(
                engine.instruction_set,
                core_network(network),
                network.byte_scale,
                least,
                largest,
            )
        self._network, self._has_label = network, network.predicts == "classes"

    def label(self, x: npt.ArrayLike) -> int:
        """Return the label of one sample."""
        if not self._has_label:
            inputs.check_predicts_classes(self._network)
        try:
            return self._core.label(x)
        except (BufferError, TypeError, ValueError):
            return self._core.label(self._sample(x))

    def probabilities(self, x: npt.ArrayLike) -> Matrix:
        """Return the outputs of one sample: probabilities or values."""
        try:
            return self._core.outputs(x)
        except (BufferError, TypeError, ValueError):
            return self._core.outputs(self._sample(x))

    def _sample(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return what the core takes, or say why x is not a sample."""
        sample = as_array("x", x)
        inputs.check_sample(sample, self._network.D)
        row = self._network.rows(sample[None, :])[0]
        if not np.isfinite(row).all():
            raise ShapeError(inputs.NOT_FINITE)
        return np.require(row, requirements=["C", "A"])


def _cost(core: CoreSession | CorePart, network: Network) -> float:
    with CoreErrors():
        cost, _ = core.cost(core_network(network))
    return cost


def _cost_and_gradient(core: CoreSession | CorePart, network: Network) -> Measurement:
    with CoreErrors():
        cost, accuracy, layers = core.cost_and_gradient(core_network(network))
    return Measurement(cost, Gradient(parameters_of(layers)), accuracy)


def _chosen_instruction_set() -> str:
    """Return the widest instruction set of this machine, or the one that the user chose."""
    there = _native.instruction_sets()
    chosen = os.environ.get(INSTRUCTION_SET_VARIABLE) or there[-1]
    if chosen not in there:
        raise EngineError(
            f"{INSTRUCTION_SET_VARIABLE} is {chosen!r}; expected one of {', '.join(there)} "
            "on this machine."
        )
    return chosen


def _reporter(
    like: Network,
    costs: npt.NDArray[np.float64],
    accuracies: npt.NDArray[np.float64],
    on_progress: Callable[[Progress], bool | None] | None,
) -> Callable[[int, Any], bool] | None:
    if on_progress is None:
        return None

    def report(measured: int, layers: Any) -> bool:
        network = like.with_parameters(parameters_of(layers))
        return bool(on_progress(Progress(network, costs[:measured], accuracies[:measured])))

    return report
