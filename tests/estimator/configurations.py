"""Random configurations of a perceptron, each with samples; a number determines all of one."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from scipy import sparse

Task: TypeAlias = Literal["classes", "two classes", "labels", "values", "counts"]
Calls: TypeAlias = Literal["fit", "warm start", "partial_fit"]

TASKS: tuple[Task, ...] = ("classes", "two classes", "labels", "values", "counts")
ITERATIONS = 5


class Samples(NamedTuple):
    """Rows, targets and weights."""

    X: Any
    y: Any
    weights: np.ndarray | None


class Configuration(NamedTuple):
    """What one comparison trains, and how."""

    number: int
    task: Task
    calls: Calls
    rows: str
    """The kind of rows: "dense", "csr" or "csc"."""
    dtype: str
    options: dict[str, Any]
    samples: Samples

    @property
    def solver(self) -> str:
        """The name of the solver."""
        return str(self.options["solver"])

    def __str__(self) -> str:
        """Return what is needed to look into a configuration."""
        shape = "x".join(map(str, self.samples.X.shape))
        targets = "x".join(map(str, np.shape(self.samples.y)[1:])) or "1"
        weighted = "" if self.samples.weights is None else ", weights"
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return (
            f"{self.number}: {self.task}, {self.calls}, {shape} {self.rows} {self.dtype}, "
            f"columns of y {targets}{weighted}: {options}"
        )


def configuration(number: int) -> Configuration:
    """Return the configuration of a number.

    Examples
    --------
    >>> configuration(3).options == configuration(3).options
    True
    """
    random = np.random.default_rng(number)
    task = TASKS[random.integers(len(TASKS))]
    solver = str(random.choice(["adam", "sgd", "lbfgs"], p=[0.4, 0.4, 0.2]))
    calls = _calls(random, solver)
    dtype = str(random.choice(["float64", "float32"]))
    rows = str(random.choice(["dense", "csr", "csc"], p=[0.6, 0.25, 0.15]))
    X, y = _rows_and_targets(random, task, rows, dtype)
    options = _network(random) | {"solver": solver, "random_state": int(random.integers(1000))}
    options |= _training(random, solver, X.shape[0], stops=calls != "partial_fit")
    options |= {"loss": "poisson"} if task == "counts" else {}
    samples = Samples(X, y, _weights(random, X.shape[0], options["batch_size"]))
    return Configuration(number, task, calls, rows, dtype, options, samples)


def _calls(random: np.random.Generator, solver: str) -> Calls:
    kinds: tuple[Calls, ...] = ("fit", "warm start", "partial_fit")
    return kinds[random.integers(2 if solver == "lbfgs" else 3)] if random.random() < 0.4 else "fit"


def _network(random: np.random.Generator) -> dict[str, Any]:
    depth = int(random.integers(5))
    return {
        "hidden_layer_sizes": tuple(random.integers(1, 24, depth).tolist()),
        "activation": str(random.choice(["identity", "logistic", "tanh", "relu"])),
    }


def _training(random: np.random.Generator, solver: str, m: int, *, stops: bool) -> dict[str, Any]:
    """Draw what a solver reads, and some parameters that it should ignore."""
    batch_size = [int(size) for size in (1, random.integers(2, m), m)][random.integers(3)]
    fastest = 0.03 if solver == "adam" else 0.1
    return {
        "alpha": float(random.choice([0.0, 1e-4, 0.01, 1.0])),
        "batch_size": "auto" if random.random() < 0.3 else batch_size,
        "learning_rate": str(random.choice(["constant", "invscaling", "adaptive"])),
        "learning_rate_init": float(np.exp(random.uniform(np.log(1e-4), np.log(fastest)))),
        "power_t": float(random.choice([0.0, 0.25, 0.5])),
        "max_iter": ITERATIONS,
        "shuffle": bool(random.random() < 0.8),
        "tol": float(random.choice([0.0, 1e-4, 0.1])),
        "momentum": float(random.choice([0.0, 0.5, 0.9])),
        "nesterovs_momentum": bool(random.random() < 0.5),
        "early_stopping": stops and bool(random.random() < 0.25),
        "validation_fraction": float(random.choice([0.1, 0.3])),
        "beta_1": float(random.choice([0.0, 0.9])),
        "beta_2": float(random.choice([0.9, 0.999])),
        "epsilon": float(random.choice([1e-8, 1e-3])),
        "n_iter_no_change": int(random.choice([1, 2, 10])),
    }


def _rows_and_targets(
    random: np.random.Generator, task: Task, rows: str, dtype: str
) -> tuple[Any, Any]:
    m, D, K = int(random.integers(40, 160)), int(random.integers(1, 30)), int(random.integers(1, 5))
    X = random.normal(size=(m, D))
    if rows != "dense":
        X *= random.random((m, D)) < 0.3
    X = X.astype(dtype)
    signal = X @ random.normal(size=(D, K)) / np.sqrt(D) + random.normal(0, 0.3, (m, K))
    y = _targets(random, task, signal)
    if task in ("values", "counts") and random.random() < 0.5:
        y = y.astype(dtype)
    given = X if rows == "dense" else sparse.csr_array(X) if rows == "csr" else sparse.csc_array(X)
    return given, y


def _targets(random: np.random.Generator, task: Task, signal: np.ndarray) -> Any:
    m, K = signal.shape
    if task == "two classes":
        y = (signal[:, 0] > 0).astype(int)
        y[:20] = np.arange(20) % 2  # both classes have samples enough to hold some out
        return [y, np.array(["no", "yes"])[y], y == 1][random.integers(3)]
    if task == "classes":
        y = np.digitize(signal[:, 0], np.linspace(-1, 1, K + 1))
        y[: 5 * (K + 2)] = np.arange(5 * (K + 2)) % (K + 2)
        return [y, y * 1.0, np.array(list("abcdef"))[y]][random.integers(3)]
    if task == "labels":
        return (np.hstack([signal, random.normal(size=(m, 1))]) > 0.2).astype(int)
    if task == "counts":
        signal = random.poisson(np.exp(np.minimum(signal, 2))).astype(float)
    return signal[:, 0] if K == 1 else signal


def _weights(random: np.random.Generator, m: int, batch_size: int | str) -> np.ndarray | None:
    if random.random() < 0.5:
        return None
    weights = random.uniform(0.1, 3, m)
    if isinstance(batch_size, str) or batch_size > 10:  # no batch should weigh nothing
        weights *= random.random(m) > random.choice([0.0, 0.2])
    return weights
