from __future__ import annotations

import math

import pytest

from handgrad.engines import Adam, Sgd
from handgrad.errors import TrainingError


@pytest.mark.parametrize("rate", [0, -1, math.nan, math.inf])
@pytest.mark.parametrize("rule", [Sgd, Adam])
def test_a_learning_rate_is_above_zero(rule, rate):
    with pytest.raises(TrainingError, match=f"learning_rate is {rate}; expected"):
        rule(learning_rate=rate)


@pytest.mark.parametrize("value", [-0.1, 1, math.nan])
@pytest.mark.parametrize("name", ["beta_1", "beta_2"])
def test_what_adam_keeps_is_less_than_all(name, value):
    with pytest.raises(TrainingError, match=f"{name} is {value}; expected"):
        Adam(**{name: value})


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_momentum_keeps_no_more_than_all(value):
    with pytest.raises(TrainingError, match=f"momentum is {value}; expected"):
        Sgd(momentum=value)
    assert Sgd(momentum=1).momentum == 1


def test_adam_divides_by_more_than_zero():
    with pytest.raises(TrainingError, match="epsilon is 0; expected"):
        Adam(epsilon=0)
