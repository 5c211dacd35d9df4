"""The penalty against its definition, and its gradient against central differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import Network
from handgrad.backpropagation import Gradient
from handgrad.errors import EngineError
from handgrad.objective import Objective
from strategies import problems

alphas = st.floats(0, 10)
totals = st.floats(0.5, 100)


@given(problem=problems(dtype=np.float64), alpha=alphas, total=totals)
def test_the_penalty_is_half_of_alpha_times_the_squared_weights(problem, alpha, total):
    W1, _, W2, _ = problem.network.parameters
    expected = alpha / (2 * total) * ((W1**2).sum() + (W2**2).sum())
    found = Objective(alpha=alpha).penalty(problem.network, total)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)


@given(problem=problems(dtype=np.float64, most=4), alpha=alphas, total=totals)
def test_what_it_adds_to_the_gradient_is_its_slope(problem, alpha, total):
    objective, network = Objective(alpha=alpha), problem.network
    nothing = Gradient(np.zeros_like(array) for array in network.parameters)
    found = objective.penalised(nothing, network, total)
    for place, slope in enumerate(found):
        for index in np.ndindex(slope.shape):
            ends = []
            for step in (-1e-3, 1e-3):
                moved = [array.copy() for array in network.parameters]
                moved[place][index] += step
                ends.append(objective.penalty(Network(*moved), total))
            # Of a quadratic function the central difference is exact.
            assert slope[index] == pytest.approx((ends[1] - ends[0]) / 2e-3, abs=1e-9)


def test_biases_are_left_alone():
    network = Network.initial(features=3, hidden=2, classes=2, scheme="uniform")
    gradient = Gradient(np.ones_like(array) for array in network.parameters)
    found = Objective(alpha=2.0).penalised(gradient, network, total=4)
    assert found.db1 is gradient.db1
    assert found.db2 is gradient.db2


def test_a_batch_without_weight_has_no_penalty():
    network = Network.initial(features=3, hidden=2, classes=2)
    assert Objective(alpha=2.0).penalty(network, total=0) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_decay_beyond_the_type_is_refused(dtype):
    largest = float(np.finfo(dtype).max)
    objective = Objective(alpha=largest)
    objective.check_decay(1, np.dtype(dtype))
    assert objective.decay(1) == largest
    with pytest.raises(EngineError, match="expected a smaller alpha or larger weights"):
        objective.check_decay(0.5, np.dtype(dtype))


def test_it_is_a_value():
    assert Objective(alpha=0.5) == Objective(alpha=0.5) != Objective(alpha=0.25)
    assert len({Objective(), Objective(), Objective("logistic")}) == 2


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"alpha": -1e-300}, "alpha is -1e-300; expected a number of 0 or more"),
    ({"alpha": np.nan}, "alpha is nan"),
    ({"alpha": np.inf}, "alpha is inf"),
    ({"alpha": "1"}, "alpha is '1'"),
    ({"output": "sigmoid"}, "output is 'sigmoid'; expected one of softmax, logistic"),
    ({"output": np.array(["softmax", "x"])}, "output is .*; expected one of softmax, logistic"),
]


@pytest.mark.parametrize(("settings", "words"), SETTINGS)
def test_what_makes_no_sense_is_refused(settings, words):
    with pytest.raises(EngineError, match=words):
        Objective(**settings)


def test_without_alpha_there_is_no_penalty_of_weights_whose_squares_overflow():
    network = Network([[1e300]], [[0.0]], [[1e300]], [[0.0]])
    assert Objective().penalty(network, total=1) == 0
