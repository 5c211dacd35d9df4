"""The parts of a fit: initial values, solver, driver, and the warning of a run cut short."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from handgrad import solvers
from handgrad.engines import Adam, Sgd
from handgrad.engines.threads import one_blas_thread
from handgrad.estimator.parameters import STOCHASTIC
from handgrad.estimator.user_warnings import warn_user
from handgrad.layers import Layer
from handgrad.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from handgrad.engines import Engine, Moments, Rule
    from handgrad.estimator.parameters import Hyperparameters
    from handgrad.estimator.record import FitRecord
    from handgrad.estimator.samples import Samples
    from handgrad.layers import Activation
    from handgrad.network import Output
    from handgrad.objective import Objective

    Watcher: TypeAlias = Callable[[solvers.Iteration], bool]

ADVICE = """
You might also want to scale the data as shown in:
    https://scikit-learn.org/stable/modules/preprocessing.html"""


class LastingPatience(solvers.Patience):
    """Patience that begins anew at a figure that is not a number, as in scikit-learn."""

    def spent(self, figure: float) -> bool:
        """Take a figure that should fall; tell whether it has not fallen for too long."""
        if math.isnan(figure):
            self.waited = 0
            return False
        return super().spent(figure)


@dataclass
class Memory:
    """What a run of sgd or adam leaves for the next call of fit or partial_fit."""

    patience: solvers.Patience
    moments: Moments | None = None
    learning_rate: float | None = None
    solver: str = ""


def glorot_values(
    sizes: Sequence[int], activation: str, dtype: npt.DTypeLike, random: np.random.RandomState
) -> tuple[list[npt.NDArray[Any]], list[npt.NDArray[Any]]]:
    """Draw weights and biases between layers of these sizes as scikit-learn does.

    They are uniform in ±√(6 / (inputs + outputs)), or ±√(2 / (inputs + outputs)) before logistic
    units (Glorot & Bengio, 2010).
    """
    weights, biases = [], []
    for inputs, outputs in pairwise(sizes):
        bound = np.sqrt((2 if activation == "logistic" else 6) / (inputs + outputs))
        weights.append(random.uniform(-bound, bound, (inputs, outputs)).astype(dtype))
        biases.append(random.uniform(-bound, bound, outputs).astype(dtype))
    return weights, biases


def as_network(
    weights: Sequence[npt.NDArray[Any]],
    biases: Sequence[npt.NDArray[Any]],
    activation: Activation,
    output: Output,
) -> Network:
    """Return scikit-learn's arrays as a network."""
    activations: list[Activation] = [activation] * (len(weights) - 1) + ["identity"]
    layers = (
        Layer(W.T, b[:, None], of_layer)
        for W, b, of_layer in zip(weights, biases, activations, strict=True)
    )
    return Network.of_layers(layers, output)


def as_weights_and_biases(
    network: Network,
) -> tuple[list[npt.NDArray[Any]], list[npt.NDArray[Any]]]:
    """Return a network as scikit-learn's arrays."""
    weights = [np.array(layer.W.T) for layer in network.layers]
    return weights, [layer.b[:, 0].copy() for layer in network.layers]


def fit_network(
    parameters: Hyperparameters,
    engine: Engine,
    network: Network,
    samples: Samples,
    objective: Objective,
    solver: solvers.Solver,
    driver: solvers.Driver,
) -> solvers.Result:
    """Run a solver on samples, starting at a network."""
    session = samples.session(engine, objective)
    is_blas_busy = parameters.solver == "lbfgs" and engine.name != "reference"
    with one_blas_thread() if is_blas_busy else nullcontext():
        return driver.run(solver, session, network)


def solver_of(
    parameters: Hyperparameters,
    m: int,
    memory: Memory,
    random: np.random.RandomState,
    samples_seen: int,
) -> solvers.Solver:
    """Return the solver that the parameters name, for m samples."""
    if parameters.solver == "gd":
        return solvers.full_batch_steps
    if parameters.solver == "lbfgs":
        return solvers.Lbfgs(parameters.max_fun, parameters.tol)
    return solvers.BatchSolver(
        _rule(parameters),
        _batch_size(parameters.batch_size, m),
        parameters.learning_rate if parameters.solver == "sgd" else "constant",
        parameters.power_t,
        random if parameters.shuffle else None,
        memory.moments,
        samples_seen,
    )


def driver_of(
    parameters: Hyperparameters,
    memory: Memory,
    record: FitRecord,
    iterations: int,
    watcher: Watcher | None,
) -> solvers.Driver:
    """Return the driver of a fit that records it."""
    judges = parameters.solver != "gd" or record.looks_at_each_iteration
    return solvers.Driver(
        iterations,
        memory.learning_rate or parameters.learning_rate_init,
        on_iteration=watcher,
        on_progress=record.draw if parameters.verbose == "bar" else None,
        patience=memory.patience if parameters.solver in STOCHASTIC else None,
        figure=record.figure if judges else None,
        on_stall=record.stall,
    )


def warn_unless_converged(parameters: Hyperparameters, result: solvers.Result) -> None:
    """Warn, as scikit-learn does, if a limit ended the run; gd always ends at its limit."""
    if result.converged or parameters.solver == "gd":
        return
    if parameters.solver == "lbfgs":
        message = f"lbfgs failed to converge after {result.iterations} iteration(s) "
        message += f"(status={result.status}):\n{result.message}\n"
        if result.iterations == parameters.max_iter:
            message += (
                "\nIncrease the number of iterations to improve the convergence "
                f"(max_iter={parameters.max_iter})."
            )
        message += ADVICE
    else:
        message = (
            f"Stochastic Optimizer: Maximum iterations ({parameters.max_iter}) reached and the "
            "optimization hasn't converged yet."
        )
    warn_user(message, ConvergenceWarning)


def check_finite(arrays: list[npt.NDArray[Any]]) -> None:
    """Raise a ValueError, as scikit-learn does, if training has diverged."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large "
            "values and need to be preprocessed."
        )


def _rule(parameters: Hyperparameters) -> Rule:
    rate = parameters.learning_rate_init
    if parameters.solver == "adam":
        return Adam(rate, parameters.beta_1, parameters.beta_2, parameters.epsilon)
    return Sgd(rate, parameters.momentum, bool(parameters.nesterovs_momentum))


def _batch_size(batch_size: int | str, m: int) -> int:
    if batch_size == "auto":
        return min(200, m)
    if int(batch_size) > m:
        warn_user(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"
        )
    return min(int(batch_size), m)
