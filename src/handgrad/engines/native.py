"""The native engine: the passes as C++ kernels, one reading of the rows per step (native/)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from handgrad.data import Blocks
from handgrad.engines import _native, inputs
from handgrad.engines.blocks import block_session
from handgrad.engines.orders import shuffled
from handgrad.engines.protocol import Engine, Measurement, Moments, Progress
from handgrad.engines.rules import Adam, Rule
from handgrad.engines.sessions import CheckedSession
from handgrad.engines.threads import check_threads, processors
from handgrad.errors import EngineError, ShapeError
from handgrad.network import FLOAT_TYPES, Network
from handgrad.notes import Gradient
from handgrad.rows import PIXEL_SCALE, Bytes, as_array, csr_parts, damaged_sparse, is_sparse

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.engines.protocol import Session
    from handgrad.engines.weights import BlockWeights
    from handgrad.network import Labels, Matrix
    from handgrad.objective import Objective

    CoreSession: TypeAlias = _native.Session32 | _native.Session64
    CoreBatches: TypeAlias = _native.Batches32 | _native.Batches64

INSTRUCTION_SET_VARIABLE = "HANDGRAD_INSTRUCTION_SET"
MOST_SPARSE_COLUMNS = 2**31 - 1  # column indices are of 32 bits
MOST_WORKERS = 1024  # more threads than any step can use
_OUTPUTS = {output.name: output for output in _native.Output}
_LARGEST = {dtype: float(np.finfo(dtype).max) for dtype in FLOAT_TYPES}


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
        """Hold rows and labels; see `handgrad.engines.Engine`."""
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
    ) -> NativeSession:
        """Hold rows that are one part of a larger set; see `handgrad.engines.Engine`."""
        del kept
        return NativeSession(NativeEngine(1), rows, targets, objective, weights)

    def predict_proba(self, network: Network, X: npt.ArrayLike) -> Matrix:
        """Compute F4 as an array of shape (m, classes); see `handgrad.engines.Engine`."""
        with _CoreErrors():
            rows = _rows_of_the_core(network, network.check_rows(X), self.threads)
            return _native.predict_proba(
                self.instruction_set, self.threads, _core_network(network), rows
            )

    def predictor(self, network: Network) -> NativePredictor:
        """Make the network ready to predict single samples."""
        return NativePredictor(self, network)


class NativeSession(CheckedSession["CoreSession"]):
    """Rows and labels in the core; see `handgrad.engines.Session`."""

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
        labels: Labels,
        weights: npt.NDArray[np.float64] | None,
    ) -> CoreSession:
        engine, objective = self._engine, self.objective
        core = _native.Session32 if network.dtype == np.float32 else _native.Session64
        with _CoreErrors():
            return core(
                engine.instruction_set,
                engine.threads,
                _rows_of_the_core(network, rows, engine.threads),
                np.ascontiguousarray(labels, dtype=np.int32),
                _native.Objective(_OUTPUTS[objective.output], float(objective.alpha)),
                weights,
                self._total,
            )

    def cost(self, network: Network) -> float:
        """Compute the cost; see `handgrad.engines.Session`."""
        core = self._prepared_for_all(network)
        with _CoreErrors():
            cost, _ = core.cost(_core_network(network))
        return cost

    def cost_and_gradient(self, network: Network) -> Measurement:
        """Compute cost, gradient and accuracy; see `handgrad.engines.Session`."""
        core = self._prepared_for_all(network)
        with _CoreErrors():
            cost, accuracy, layers = core.cost_and_gradient(_core_network(network))
        return Measurement(cost, Gradient(*_parameters(layers)), accuracy)

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
        with _CoreErrors():
            steps, layers = core.descend(
                _core_network(network), float(learning_rate), costs, accuracies, report
            )
        return _like(network, layers), costs[:steps]

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
        with _CoreErrors():
            run = core.batches(_core_network(network), _core_rule(rule), batch_size)
            if moments is not None:
                first, second = (
                    _core_network(Network(*arrays, output=network.output)) for arrays in moments[1:]
                )
                run.restore(int(moments.steps), first, second)
        return NativeBatches(run, rule, batch_size, core.count, network)


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
        with _CoreErrors():
            return _like(self._like, self._run.parameters())

    @property
    def moments(self) -> Moments:
        """What the rule remembers."""
        with _CoreErrors():
            steps, first, second = self._run.moments()
        return Moments(steps, _parameters(first), _parameters(second))

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
        with _CoreErrors():
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
        least, most = _range_of(network)
        largest = min(most, network.largest_value)
        with _CoreErrors():
            self._core = core(
                engine.instruction_set,
                _core_network(network),
                network.byte_scale,
                least,
                largest,
            )
        self._network = network

    def label(self, x: npt.ArrayLike) -> int:
        """Return the label of one sample."""
        try:
            return self._core.label(x)
        except (BufferError, TypeError, ValueError):
            return self._core.label(self._sample(x))

    def probabilities(self, x: npt.ArrayLike) -> Matrix:
        """Return the probabilities of one sample."""
        try:
            return self._core.probabilities(x)
        except (BufferError, TypeError, ValueError):
            return self._core.probabilities(self._sample(x))

    def _sample(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return what the core takes, or say why x is not a sample."""
        sample = as_array("x", x)
        inputs.check_sample(sample, self._network.D)
        row = self._network.rows(sample[None, :])[0]
        if not np.isfinite(row).all():
            raise ShapeError(inputs.NOT_FINITE)
        return np.require(row, requirements=["C", "A"])


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


def _rows_of_the_core(network: Network, given: Any, threads: int) -> _native.Rows:
    values, scale = given, PIXEL_SCALE
    if isinstance(given, Bytes):
        values, scale = given.values, float(given.scale)
    with inputs.enough_memory():
        rows = (_sparse_rows if is_sparse(values) else _dense_rows)(network, values, scale)
        if not _native.within(rows, *_range_of(network), threads):
            raise ShapeError(inputs.NOT_FINITE)
    return rows


def _dense_rows(network: Network, given: npt.NDArray[Any], scale: float) -> _native.Rows:
    rows = _readable(network, given)
    return _native.dense_rows(rows if _lies_well(rows) else np.array(rows, order="C"), scale)


def _readable(network: Network, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return bytes and floating numbers as they are, others as the network's type."""
    if values.dtype == np.uint8 or values.dtype in FLOAT_TYPES:
        return values
    with np.errstate(over="ignore"):  # to infinity, which is refused
        return values.astype(network.dtype)


def _lies_well(rows: npt.NDArray[Any]) -> bool:
    """Tell whether the core can read the rows in place: each row's numbers side by side."""
    between_rows, between_numbers = rows.strides
    size = rows.dtype.itemsize
    return bool(
        rows.flags.aligned
        and (between_numbers == size or rows.shape[1] == 1)
        and between_rows >= 0
        and between_rows % size == 0
    )


def _sparse_rows(network: Network, given: Any, scale: float) -> _native.Rows:
    if given.shape[1] > MOST_SPARSE_COLUMNS:
        raise ShapeError(
            f"X has {given.shape[1]:,} columns; expected at most {MOST_SPARSE_COLUMNS:,} "
            "where it is sparse."
        )
    indptr, indices, values = csr_parts(given)
    try:
        return _native.sparse_rows(
            np.require(indptr, np.int64, ["C", "A"]),
            np.require(indices, np.int32 if indices.itemsize < 8 else np.int64, ["C", "A"]),
            np.require(_readable(network, values), requirements=["C", "A"]),
            given.shape[0],
            given.shape[1],
            scale,
        )
    except _native.RefusedError as error:
        raise damaged_sparse(str(error)) from None


def _core_network(network: Network) -> Any:  # of the type that the session has, too
    core = _native.Network32 if network.dtype == np.float32 else _native.Network64
    layers: Any = [(layer.W, layer.b) for layer in network.layers]
    return core(layers, _OUTPUTS[network.output])


def _core_rule(rule: Rule) -> _native.Rule:
    if isinstance(rule, Adam):
        return _native.Rule.adam(rule.learning_rate, rule.beta_1, rule.beta_2, rule.epsilon)
    return _native.Rule.sgd(rule.learning_rate, rule.momentum, rule.nesterov)


def _parameters(layers: Any) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Return the core's layers as W1, b1, W2, b2."""
    (W1, b1), (W2, b2) = layers
    return W1, b1, W2, b2


def _like(network: Network, layers: Any) -> Network:
    """Return the core's layers as a network with the output of that one."""
    return Network(*_parameters(layers), output=network.output)


def _range_of(network: Network) -> tuple[float, float]:
    """Return the least and the largest finite number of the network's type."""
    largest = _LARGEST[network.dtype]
    return -largest, largest


def _reporter(
    like: Network,
    costs: npt.NDArray[np.float64],
    accuracies: npt.NDArray[np.float64],
    on_progress: Callable[[Progress], bool | None] | None,
) -> Callable[[int, Any], bool] | None:
    if on_progress is None:
        return None

    def report(measured: int, layers: Any) -> bool:
        network = _like(like, layers)
        return bool(on_progress(Progress(network, costs[:measured], accuracies[:measured])))

    return report


class _CoreErrors:
    """Says in sentences what the core raises; what a callback raises passes through."""

    def __enter__(self) -> None:
        """Do nothing; a class costs short calls less than a generator."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Raise the engine's error instead of the core's."""
        if error is None:
            return
        if isinstance(error, _native.OutOfMemoryError):
            raise EngineError(inputs.NO_MEMORY) from error
        if isinstance(error, _native.InsideEpochError):
            raise EngineError(inputs.INSIDE_AN_EPOCH) from None
        if isinstance(error, _native.RefusedError):
            raise ShapeError(
                f"The arrays changed while they were read: {error}; expected arrays that nobody "
                "writes to during the call."
            ) from None
