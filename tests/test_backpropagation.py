"""The formulas of every layer: against the notes, and against central differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import Network, backpropagation, notes
from handgrad.errors import ShapeError
from handgrad.layers import ACTIVATIONS
from handgrad.network import OUTPUTS
from strategies import problems

STEP = 1e-6


def targets_of(network: Network, m: int, random: np.random.Generator) -> np.ndarray:
    """Draw targets that the network takes."""
    if network.predicts == "classes":
        return random.integers(0, network.classes, m)
    if network.predicts == "labels":
        return random.integers(0, 2, (m, network.K))
    return random.uniform(0, 3, (m, network.K))


@given(problem=problems())
def test_on_the_notes_network_every_bit_is_that_of_the_notes(problem):
    network, X, y = problem
    activations, passes = notes.forward(network, X), backpropagation.forward(network, X)
    for matrix, name in zip((m for p in passes for m in p), ("Z1", "A1", "Z2", "A2"), strict=True):
        np.testing.assert_array_equal(matrix, getattr(activations, name))
    expected = notes.backward(network, X, y, activations)
    found = backpropagation.backward(network, X, y, passes)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert backpropagation.cost(network, X, y) == notes.cost(network, X, y)
    after = notes.descend(network, expected, 0.1)
    stepped = backpropagation.descend(network, found, 0.1)
    for a, b in zip(stepped.parameters, after.parameters, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("output", OUTPUTS)
@given(seed=st.integers(0, 2**20), hidden=st.lists(st.integers(1, 4), max_size=4))
def test_gradients_are_slopes_of_the_cost(activation, output, seed, hidden):
    random = np.random.default_rng(seed)
    network = Network.initial(
        features=3,
        hidden=hidden,
        classes=int(random.integers(1, 4)),
        activation=activation,
        output=output,
        seed=seed,
        dtype=np.float64,
        scheme="uniform",
    )
    X = random.normal(size=(5, 3))
    y = targets_of(network, 5, random)
    passes = backpropagation.forward(network, X)
    kinks = [
        p.Z for p, layer in zip(passes, network.layers, strict=True) if "relu" in layer.activation
    ]
    if any(np.abs(Z).min() < 1e-4 for Z in kinks):
        return  # a difference across a kink is not a slope
    gradient = backpropagation.backward(network, X, y, passes)
    parameters = [array.copy() for array in network.parameters]
    for which, slopes in enumerate(gradient):
        for place in itertools.islice(np.ndindex(slopes.shape), 6):
            costs = []
            for sign in (1, -1):
                moved = [array.copy() for array in parameters]
                moved[which][place] += sign * STEP
                costs.append(backpropagation.cost(network.with_parameters(moved), X, y))
            assert slopes[place] == pytest.approx(
                (costs[0] - costs[1]) / 2 / STEP, abs=1e-7, rel=1e-5
            )


def test_the_notes_refuse_a_network_that_they_do_not_describe():
    network = Network.initial(features=2, hidden=3, classes=2, activation="tanh")
    with pytest.raises(ShapeError, match="backpropagation takes all others"):
        notes.forward(network, np.ones((1, 2)))


def test_names_of_two_layers_are_refused_for_three():
    network = Network.initial(features=2, hidden=(3, 3), classes=2)
    with pytest.raises(ShapeError, match="has 3 layers; expected the notes' two"):
        print(network.W1)
