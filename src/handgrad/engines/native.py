"""The native engine: the passes as C++ kernels, one reading of the rows a step (native/)."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.engines import _native, inputs
from handgrad.engines.protocol import Measurement, Moments, Progress
from handgrad.engines.rules import Adam, Rule, check_learning_rate
from handgrad.engines.threads import processors
from handgrad.errors import EngineError, ShapeError
from handgrad.network import FLOAT_TYPES, Network
from handgrad.notes import Gradient
from handgrad.rows import is_sparse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from handgrad.network import Matrix

INSTRUCTION_SET_VARIABLE = "HANDGRAD_INSTRUCTION_SET"
MOST_SPARSE_COLUMNS = 2**31 - 1  # column indices are of 32 bits


class NativeEngine:
    """Computes what the reference engine computes, several times faster.

    Results do not depend on the number of threads, nor on the run: the rows are cut into
    slices by their number alone, and the slices' gradients are added in one fixed order.

    Parameters
    ----------
    threads : int, optional
        How many threads a call may use; by default one for each processor.

    Raises
    ------
    EngineError
        If the variable ``HANDGRAD_INSTRUCTION_SET`` names a set that is not there.

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
        self.threads = threads or processors()
        self.instruction_set = _chosen_instruction_set()

    def measure(
        self,
        network: Network,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Measurement:
        """Compute C1, B1 to B7 and the accuracy; see `handgrad.engines.Engine`."""
        rows, labels = self._checked(network, X, y)
        with _memory_errors():
            cost, accuracy, gradient = _native.measure(
                self.instruction_set,
                self.threads,
                *network.parameters,
                rows,
                labels,
                _shares(network, sample_weight, len(labels)),
            )
        return Measurement(cost, Gradient(*gradient), accuracy)

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
        rows = self._rows(network, network.check_rows(X))
        with _memory_errors():
            return _native.predict_proba(
                self.instruction_set, self.threads, *network.parameters, rows
            )

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
        """Take full-batch steps (U1); ``on_progress`` is called every 50 ms at most."""
        inputs.check_iterations(iterations)
        inputs.check_alpha(alpha)
        rows, labels = self._checked(network, X, y)
        shares = _shares(network, sample_weight, len(labels))
        if iterations == 0:
            return network, np.empty(0)
        costs, accuracies = np.empty(iterations), np.empty(iterations)
        with _memory_errors():
            steps, parameters = _native.descend(
                self.instruction_set,
                self.threads,
                *network.parameters,
                rows,
                labels,
                shares,
                learning_rate,
                alpha / inputs.total(sample_weight, len(labels)),
                pin_first,
                costs,
                accuracies,
                _reporter(costs, accuracies, on_progress),
            )
        return Network(*parameters), costs[:steps]

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
    ) -> NativeBatches:
        """Begin to train in batches; see `handgrad.engines.Engine`."""
        inputs.check_batch_size(batch_size)
        inputs.check_alpha(alpha)
        rows, labels = self._checked(network, X, y)
        weights = None
        if sample_weight is not None:
            weights = inputs.weights(sample_weight, len(labels))
        core = _native.Batches32 if network.dtype == np.float32 else _native.Batches64
        with _memory_errors():
            run = core(
                self.instruction_set,
                self.threads,
                *network.parameters,
                rows,
                labels,
                weights,
                min(batch_size, len(labels)),
                alpha,
                pin_first,
            )
        if moments is not None:
            run.restore(moments.steps, *moments.first, *moments.second)
        return NativeBatches(run, rule, batch_size, len(labels))

    def predictor(self, network: Network) -> NativePredictor:
        """Make the network ready to predict single samples."""
        return NativePredictor(self, network)

    def _checked(
        self, network: Network, X: npt.ArrayLike, y: npt.ArrayLike
    ) -> tuple[_native.Rows, npt.NDArray[np.int32]]:
        given = network.check_rows(X)
        labels = network.labels(y, given.shape[0])
        return self._rows(network, given), np.ascontiguousarray(labels, dtype=np.int32)

    def _rows(self, network: Network, given: Any) -> _native.Rows:
        rows = _sparse_rows(network, given) if is_sparse(given) else _dense_rows(network, given)
        if not _native.within(rows, *_range_of(network), self.threads):
            raise ShapeError(inputs.NOT_FINITE)
        return rows


class NativeBatches:
    """Trains in batches inside the core; see `handgrad.engines.Batches`."""

    def __init__(self, run: _native.Batches32, rule: Rule, batch_size: int, m: int) -> None:
        self._run, self._rule, self._batch_size, self._m = run, rule, batch_size, m

    @property
    def network(self) -> Network:
        """The network after the steps so far."""
        return Network(*self._run.parameters())

    @property
    def moments(self) -> Moments:
        """What the rule remembers."""
        return Moments(*self._run.moments())

    def epoch(
        self,
        order: npt.ArrayLike | None = None,
        *,
        learning_rate: float | None = None,
        on_progress: Callable[[Progress], bool | None] | None = None,
    ) -> npt.NDArray[np.float64]:
        """Take a step a batch; see `handgrad.engines.Batches`."""
        rate = self._rule.learning_rate if learning_rate is None else learning_rate
        check_learning_rate(rate)
        rows = inputs.check_order(order, self._m)
        batches = -(-len(rows) // self._batch_size)
        costs, accuracies = np.empty(batches), np.empty(batches)
        report = _reporter(costs, accuracies, on_progress)
        with _memory_errors():
            done = self._run.epoch(
                *_rule_of_the_core(self._rule, rate), rows, costs, accuracies, report
            )
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
        self._core = core(engine.instruction_set, *network.parameters, least, largest)
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
        """Return what the core takes, or say why x is no sample."""
        sample = np.asarray(x)
        inputs.check_sample(sample, self._network.D)
        row = self._network.rows(sample[None, :])[0]
        if not np.isfinite(row).all():
            raise ShapeError(inputs.NOT_FINITE)
        return np.ascontiguousarray(row)


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


def _dense_rows(network: Network, given: npt.NDArray[Any]) -> _native.Rows:
    rows = given
    if rows.dtype != np.uint8 and rows.dtype not in FLOAT_TYPES:
        rows = rows.astype(network.dtype)
    return _native.dense_rows(rows if _lies_well(rows) else np.array(rows, order="C"))


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


def _sparse_rows(network: Network, given: Any) -> _native.Rows:
    if given.shape[1] > MOST_SPARSE_COLUMNS:
        raise ShapeError(
            f"X has {given.shape[1]:,} columns; expected at most {MOST_SPARSE_COLUMNS:,} "
            "where it is sparse."
        )
    values = given.data
    if values.dtype != np.uint8 and values.dtype not in FLOAT_TYPES:
        values = values.astype(network.dtype)
    try:
        return _native.sparse_rows(
            np.require(given.indptr, np.int64, ["C", "A"]),
            np.require(_column_indices(given), np.int32, ["C", "A"]),
            np.require(values, requirements=["C", "A"]),
            given.shape[1],
        )
    except ValueError as error:
        raise ShapeError(f"X is a damaged sparse matrix: {error}; expected valid CSR.") from None


def _column_indices(given: Any) -> npt.NDArray[Any]:
    """Return the indices as they are, but none that 32 bits would change."""
    indices: npt.NDArray[Any] = given.indices
    if indices.dtype != np.int32 and len(indices) and indices.max() > MOST_SPARSE_COLUMNS:
        raise ValueError("it has a column index outside its columns")
    return indices


def _shares(
    network: Network, sample_weight: npt.ArrayLike | None, m: int
) -> npt.NDArray[Any] | None:
    if sample_weight is None:
        return None
    return inputs.shares(sample_weight, m).astype(network.dtype)


def _range_of(network: Network) -> tuple[float, float]:
    """Return the least and the largest finite number of the network's type."""
    largest = float(np.finfo(network.dtype).max)
    return -largest, largest


def _reporter(
    costs: npt.NDArray[np.float64],
    accuracies: npt.NDArray[np.float64],
    on_progress: Callable[[Progress], bool | None] | None,
) -> Callable[[int, Any], bool] | None:
    if on_progress is None:
        return None

    def report(measured: int, parameters: tuple[Matrix, Matrix, Matrix, Matrix]) -> bool:
        network = Network(*parameters)
        return bool(on_progress(Progress(network, costs[:measured], accuracies[:measured])))

    return report


def _rule_of_the_core(rule: Rule, rate: float) -> tuple[str, float, float, float, float]:
    if isinstance(rule, Adam):
        return "adam", rate, rule.beta_1, rule.beta_2, rule.epsilon
    kind = "momentum" if rule.momentum else "sgd"
    return "nesterov" if rule.nesterov else kind, rate, rule.momentum, 0, 0


@contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise EngineError(
            "There is not enough memory for a network and rows of this size; "
            "expected fewer features, hidden units or threads."
        ) from error
