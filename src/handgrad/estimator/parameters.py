"""The values that each parameter of `MLPClassifier` may have."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from handgrad import solvers
from handgrad.engines import ENGINE_NAMES
from handgrad.engines.threads import MOST_THREADS

if TYPE_CHECKING:
    from collections.abc import Callable

STOCHASTIC = ("sgd", "adam")


class Hyperparameters:
    """The parameters of an estimator that its training reads."""

    solver: str
    alpha: float
    batch_size: int | str
    learning_rate: solvers.Schedule
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    verbose: bool | int | str
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    on_iteration: Callable[[solvers.Iteration], bool | None] | None


def stops_early(parameters: Hyperparameters) -> bool:
    """Tell whether a validation score may end the run; gd and lbfgs ignore it."""
    return bool(parameters.early_stopping) and parameters.solver in STOCHASTIC


CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions({"relu"})],
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
    "class_weight": [dict, StrOptions({"balanced"}), None],
    "pixels": ["boolean"],
    "on_iteration": [callable, None],
    "engine": [StrOptions(set(ENGINE_NAMES))],
    "n_threads": [Interval(Integral, 1, MOST_THREADS, closed="both"), None],
}


def check_network(activation: Any, hidden_layer_sizes: Any) -> None:
    """Raise a ValueError unless the network has one hidden layer of rectified units."""
    if activation != "relu":
        raise ValueError(
            f"activation is {activation!r}; the hidden units are rectified: expected 'relu', "
            "or sklearn.neural_network.MLPClassifier, which has the others."
        )
    if len(_sizes(hidden_layer_sizes)) != 1:
        raise ValueError(
            f"hidden_layer_sizes is {hidden_layer_sizes!r}; the network has one hidden "
            "layer: expected one number, such as (100,), or sklearn.neural_network.MLPClassifier, "
            "which takes several layers."
        )


def hidden_units(hidden_layer_sizes: Any) -> int:
    """Return H, or raise a ValueError unless it is a whole number above 0.

    Examples
    --------
    >>> hidden_units((100,)), hidden_units(5)
    (100, 5)
    """
    (size,) = _sizes(hidden_layer_sizes)
    if isinstance(size, bool | np.bool_) or not isinstance(size, Integral):
        raise ValueError(  # noqa: TRY004 - the type that scikit-learn raises
            f"hidden_layer_sizes is {hidden_layer_sizes!r}; expected a whole number above 0."
        )
    if size < 1:
        raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden_layer_sizes!r}.")
    return int(size)


def _sizes(hidden_layer_sizes: Any) -> list[Any]:
    return list(np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object)))
