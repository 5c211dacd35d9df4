"""The update rules of batches: how a step uses a gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from handgrad.arguments import real_number
from handgrad.errors import TrainingError
from handgrad.quoting import shown


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent: U1 on one batch after another, if wanted with momentum.

    The velocity v starts at 0. Each step takes v ← μ v − η dθ and θ ← θ + v; with Nesterov's
    momentum θ ← θ + μ v − η dθ. With μ = 0 this is U1.

    Parameters
    ----------
    learning_rate : float
        η, above 0.
    momentum : float
        μ, from 0 to 1.
    nesterov : bool
        Whether the step looks ahead (Sutskever et al., 2013, section 2).

    Raises
    ------
    TrainingError
        If a number is out of range.

    Examples
    --------
    >>> Sgd(learning_rate=0.1, momentum=0.9)
    Sgd(learning_rate=0.1, momentum=0.9, nesterov=False)
    """

    learning_rate: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        check_learning_rate(self.learning_rate)
        if not 0 <= real_number(self.momentum) <= 1:
            raise TrainingError(
                f"momentum is {shown(self.momentum)}; expected a number from 0 to 1."
            )


@dataclass(frozen=True)
class Adam:
    """Steps scaled by the moments of the gradient (Kingma & Ba, 2015, arXiv:1412.6980).

    Parameters
    ----------
    learning_rate : float
        η, above 0.
    beta_1, beta_2 : float
        The share of the first and of the second moment that each step keeps, from 0 to below 1.
    epsilon : float
        Added to the root of the second moment, above 0.

    Raises
    ------
    TrainingError
        If a number is out of range.

    Examples
    --------
    >>> Adam().learning_rate
    0.001
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_learning_rate(self.learning_rate)
        _check_fraction("beta_1", self.beta_1)
        _check_fraction("beta_2", self.beta_2)
        _check_above_zero("epsilon", self.epsilon)


Rule: TypeAlias = Sgd | Adam


def check_learning_rate(learning_rate: float) -> None:
    """Raise a TrainingError unless the rate is a number above 0."""
    _check_above_zero("learning_rate", learning_rate)


def _check_above_zero(name: str, value: float) -> None:
    if not (math.isfinite(real_number(value)) and value > 0):
        raise TrainingError(f"{name} is {shown(value)}; expected a number above 0.")


def _check_fraction(name: str, value: float) -> None:
    if not 0 <= real_number(value) < 1:
        raise TrainingError(f"{name} is {shown(value)}; expected a number from 0 to below 1.")
