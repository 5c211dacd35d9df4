"""The cost of the reference engine against its definition, and its gradient against differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from handgrad import Network, get_engine
from handgrad.objective import Objective

random = np.random.default_rng(6)
X, weights = random.normal(size=(12, 3)), random.uniform(0.5, 2, 12)
ALPHA = 0.7


def problem(output):
    classes = 1 if output == "logistic" else 3
    initial = Network.initial(features=3, hidden=4, classes=classes, seed=2, dtype="float64")
    network = Network(*initial.parameters, output=output)
    return network, np.arange(12) % network.classes


def cost_by_definition(network, y):
    """Compute the weighted mean of the losses and the penalty, without a formula of the notes."""
    Z2 = network.W2 @ np.maximum(network.W1 @ X.T + network.b1, 0) + network.b2
    if network.output == "logistic":
        losses = -special.log_expit(np.where(y == 1, Z2[0], -Z2[0]))
    else:
        losses = -special.log_softmax(Z2, axis=0)[y, np.arange(12)]
    squares = np.sum(network.W1**2) + np.sum(network.W2**2)
    return (losses @ weights + ALPHA / 2 * squares) / weights.sum()


@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_cost_and_gradient_are_those_of_the_objective(output):
    network, y = problem(output)
    session = get_engine("reference").session(X, y, Objective(output, alpha=ALPHA), weights)
    cost, gradient, _ = session.cost_and_gradient(network)
    assert cost == pytest.approx(cost_by_definition(network, y), rel=1e-12)
    assert session.cost(network) == cost
    for place, slope in enumerate(gradient):
        for index in np.ndindex(slope.shape):
            ends = []
            for step in (-1e-6, 1e-6):
                moved = [array.copy() for array in network.parameters]
                moved[place][index] += step
                ends.append(cost_by_definition(Network(*moved, output=network.output), y))
            assert slope[index] == pytest.approx((ends[1] - ends[0]) / 2e-6, abs=1e-8)
