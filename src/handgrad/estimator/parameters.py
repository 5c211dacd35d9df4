"""The parameters that the estimators share, and the values that each may have."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from handgrad import solvers
from handgrad.engines import ENGINE_NAMES
from handgrad.engines.threads import MOST_THREADS
from handgrad.estimator.user_warnings import warn_user
from handgrad.layers import ACTIVATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from handgrad.layers import Activation

STOCHASTIC = ("sgd", "adam")


class Hyperparameters:
    """The parameters that both estimators have."""

    hidden_layer_sizes: Any
    activation: Activation
    solver: str
    alpha: float
    batch_size: int | str
    learning_rate: solvers.Schedule
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: int | np.random.RandomState | None
    tol: float
    verbose: bool | int | str
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    scoring: str | Callable[..., float] | None
    pixels: bool
    on_iteration: Callable[[solvers.Iteration], bool | None] | None
    engine: str
    n_threads: int | None

    def _store(self, given: dict[str, Any]) -> None:
        """Store the arguments of the constructor as they are, each under its own name."""
        vars(self).update((name, value) for name, value in given.items() if name != "self")


def stops_early(parameters: Hyperparameters) -> bool:
    """Tell whether the validation samples may end the run; gd and lbfgs ignore early stopping."""
    return bool(parameters.early_stopping) and parameters.solver in STOCHASTIC


def watches_loss(parameters: Hyperparameters) -> bool:
    """Tell whether early stopping watches the loss on the samples held out, not their score."""
    return parameters.scoring == "loss"


CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "solver": [StrOptions({"adam", "sgd", "lbfgs", "gd"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions(set(solvers.SCHEDULES))],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose", StrOptions({"bar"})],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "scoring": [str, callable, None],
    "pixels": ["boolean"],
    "on_iteration": [callable, None],
    "engine": [StrOptions(set(ENGINE_NAMES))],
    "n_threads": [Interval(Integral, 1, MOST_THREADS, closed="both"), None],
}


def hidden_sizes(hidden_layer_sizes: Any) -> list[int]:
    """Return the units of each hidden layer, or raise a ValueError unless all are above 0.

    Examples
    --------
    >>> hidden_sizes((100, 50)), hidden_sizes(5), hidden_sizes(())
    ([100, 50], [5], [])
    """
    if np.iterable(hidden_layer_sizes):
        sizes = list(hidden_layer_sizes)
    else:
        sizes = [np.asarray(hidden_layer_sizes, dtype=object).item()]  # an array may hold one size
    if not all(isinstance(size, Integral) and not isinstance(size, bool) for size in sizes):
        raise ValueError(
            f"hidden_layer_sizes is {hidden_layer_sizes!r}; expected whole numbers above 0."
        )
    whole = [int(size) for size in sizes]
    if min(whole, default=1) < 1:
        raise ValueError(f"hidden_layer_sizes must be > 0, got {whole}.")
    return whole


def check_same_sizes(hidden_layer_sizes: Any, known: tuple[int, ...]) -> None:
    """Say that a later call continues with the layers of the last fit.

    Other sizes give a warning, and another number of layers a ValueError, because scikit-learn
    continues in the first case, and fails in the second.
    """
    sizes = tuple(hidden_sizes(hidden_layer_sizes))
    if sizes == known:
        return
    message = (
        f"hidden_layer_sizes is {sizes}, but warm_start and partial_fit continue with the network "
        f"of the last fit, whose sizes are {known}; expected these."
    )
    if len(sizes) != len(known):
        raise ValueError(message)
    warn_user(message)


def check_same_loss(loss: str, known: str) -> None:
    """Warn if a later call continues with a network whose output belongs to another loss."""
    if loss != known:
        warn_user(
            f"loss is {loss!r}, but warm_start and partial_fit continue with the network of the "
            f"last fit, whose loss is {known!r}; expected this one."
        )
