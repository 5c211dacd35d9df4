"""How a classifier is trained: initial values, a run of its solver, and whether it converged."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from handgrad import solvers
from handgrad.engines import Adam, Sgd
from handgrad.network import Network

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.engines import Engine, Moments, Rule
    from handgrad.estimator.classifier import MLPClassifier
    from handgrad.estimator.run import Run
    from handgrad.estimator.samples import Samples
    from handgrad.network import Output

ADVICE = """
You might also want to scale the data as shown in:
    https://scikit-learn.org/stable/modules/preprocessing.html"""


@dataclass
class Memory:
    """What a run of sgd or adam leaves for the next call of fit or partial_fit."""

    patience: solvers.Patience
    moments: Moments | None = None
    learning_rate: float | None = None
    solver: str = ""


def initial_values(
    sizes: tuple[int, int, int], dtype: npt.DTypeLike, random: np.random.RandomState
) -> tuple[list[npt.NDArray[Any]], list[npt.NDArray[Any]]]:
    """Draw weights and biases between layers of these sizes as scikit-learn does.

    They are uniform in ±√(6 / (inputs + outputs)) (Glorot & Bengio, 2010).

    Examples
    --------
    >>> weights, biases = initial_values((4, 3, 2), np.float32, np.random.RandomState(0))
    >>> [array.shape for array in weights + biases]
    [(4, 3), (3, 2), (3,), (2,)]
    """
    weights, biases = [], []
    for inputs, outputs in pairwise(sizes):
        bound = np.sqrt(6 / (inputs + outputs))
        weights.append(random.uniform(-bound, bound, (inputs, outputs)).astype(dtype))
        biases.append(random.uniform(-bound, bound, outputs).astype(dtype))
    return weights, biases


def as_network(
    weights: list[npt.NDArray[Any]], biases: list[npt.NDArray[Any]], *, classes: int
) -> Network:
    """Return scikit-learn's arrays as a network; two classes have one logistic output.

    Examples
    --------
    >>> as_network([np.eye(2), np.ones((2, 1))], [np.zeros(2), np.zeros(1)], classes=2).output
    'logistic'
    """
    (W1, W2), (b1, b2) = weights, biases
    output: Output = "logistic" if classes == 2 else "softmax"
    return Network(W1.T, b1[:, None], W2.T, b2[:, None], output=output)


def as_weights_and_biases(
    network: Network,
) -> tuple[list[npt.NDArray[Any]], list[npt.NDArray[Any]]]:
    """Return a network as scikit-learn's arrays.

    Examples
    --------
    >>> network = as_network([np.eye(2), np.ones((2, 1))], [np.zeros(2), np.zeros(1)], classes=2)
    >>> as_weights_and_biases(network)[0][1].tolist()
    [[1.0], [1.0]]
    """
    weights = [np.array(layer.W.T) for layer in network.layers]
    return weights, [layer.b[:, 0].copy() for layer in network.layers]


def solve(
    model: MLPClassifier,
    engine: Engine,
    network: Network,
    samples: Samples,
    memory: Memory,
    random: np.random.RandomState,
    run: Run,
    iterations: int,
) -> solvers.Result:
    """Run the classifier's solver."""
    given = engine, network, samples.X, samples.codes
    common: dict[str, Any] = {
        "alpha": model.alpha,
        "sample_weight": samples.weights,
    }
    if model.solver == "gd":
        return solvers.gd(
            *given,
            learning_rate=model.learning_rate_init,
            iterations=iterations,
            on_iteration=run.after if run.every_iteration else None,
            on_progress=run.watch,
            **common,
        )
    if model.solver == "lbfgs":
        return solvers.lbfgs(
            *given,
            iterations=iterations,
            evaluations=model.max_fun,
            tol=model.tol,
            on_iteration=run.after,
            **common,
        )
    return solvers.sgd(
        *given,
        rule=_rule(model),
        schedule=model.learning_rate if model.solver == "sgd" else "constant",
        power_t=model.power_t,
        batch_size=_batch_size(model.batch_size, len(samples.codes)),
        epochs=iterations,
        seed=random if model.shuffle else None,
        patience=memory.patience,
        figure=run.figure,
        moments=memory.moments,
        samples_seen=model.t_,
        learning_rate=memory.learning_rate,
        on_iteration=run.after,
        on_stall=run.stall,
        **common,
    )


def warn_unless_converged(model: MLPClassifier, result: solvers.Result) -> None:
    """Warn, as scikit-learn does, of a run that a limit ended; gd is meant to reach its own."""
    if result.converged or model.solver == "gd":
        return
    if model.solver == "lbfgs":
        message = f"lbfgs failed to converge after {model.n_iter_} iteration(s) "
        message += f"(status={result.status}):\n{result.message}\n"
        if model.n_iter_ == model.max_iter:
            message += (
                "\nIncrease the number of iterations to improve the convergence "
                f"(max_iter={model.max_iter})."
            )
        message += ADVICE
    else:
        message = (
            f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) reached and the "
            "optimization hasn't converged yet."
        )
    warnings.warn(message, ConvergenceWarning, stacklevel=4)


def check_finite(arrays: list[npt.NDArray[Any]]) -> None:
    """Raise a ValueError, as scikit-learn does, where training has diverged.

    Examples
    --------
    >>> check_finite([np.eye(2)])
    """
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large "
            "values and need to be preprocessed."
        )


def _rule(model: MLPClassifier) -> Rule:
    if model.solver == "adam":
        return Adam(model.learning_rate_init, model.beta_1, model.beta_2, model.epsilon)
    return Sgd(model.learning_rate_init, model.momentum, model.nesterovs_momentum)


def _batch_size(batch_size: int | str, m: int) -> int:
    if batch_size == "auto":
        return min(200, m)
    if int(batch_size) > m:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=5,
        )
    return min(int(batch_size), m)
