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
@pytest.mark.parametrize(("rule", "name"), [(Sgd, "momentum"), (Adam, "beta_1"), (Adam, "beta_2")])
def test_what_is_kept_is_less_than_all(rule, name, value):
    with pytest.raises(TrainingError, match=f"{name} is {value}; expected"):
        rule(**{name: value})


def test_adam_divides_by_more_than_zero():
    with pytest.raises(TrainingError, match="epsilon is 0; expected"):
        Adam(epsilon=0)
