"""Every solver trains networks of any depth, activation and output, and continues their runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad import Network, get_engine
from handgrad.data import Blocks
from handgrad.engines import Objective
from handgrad.errors import TrainingError
from handgrad.solvers import Checkpoints, Training, train

random = np.random.default_rng(5)
X = random.normal(size=(40, 5))
VALUES = np.exp(X[:, :2] / 2)
TARGETS: dict[str, Any] = {
    "softmax": (3, np.arange(40) % 3),
    "one logistic": (1, (X[:, 0] > 0).astype(int)),
    "logistic": (3, (X[:, :3] > 0).astype(float)),
    "identity": (2, VALUES),
    "one identity": (1, VALUES[:, 0]),
    "exp": (2, VALUES),
}
HIDDEN: tuple[tuple[int, ...], ...] = ((), (6,), (6, 4), (5, 4, 3))
SOLVERS: dict[str, dict[str, Any]] = {
    "gd": {"iterations": 20, "learning_rate": 0.02},
    "sgd": {"epochs": 12, "learning_rate": 0.01, "momentum": 0.5, "batch_size": 9},
    "adam": {"epochs": 12, "learning_rate": 0.02, "batch_size": 9, "alpha": 0.01},
    "lbfgs": {"iterations": 12},
}


def network_of(kind: str, hidden: tuple[int, ...], activation: Any = "tanh") -> Network:
    return Network.initial(
        features=5,
        hidden=hidden,
        classes=TARGETS[kind][0],
        activation=activation,
        output=kind.removeprefix("one "),  # type: ignore[arg-type]
        seed=1,
        dtype="float64",
    )


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_cost_falls_and_accuracy_is_no_number_of_values(engine, solver, kind, hidden):
    network, y = network_of(kind, hidden), TARGETS[kind][1]
    result = train(network, X, y, engine=engine, solver=solver, **SOLVERS[solver])
    assert result.costs[-1] < 0.98 * result.costs[0]
    assert np.isnan(result.accuracies).all() == (network.predicts == "values")
    objective = Objective(network.output, alpha=SOLVERS[solver].get("alpha", 0.0))
    found = engine.session(X, y, objective).cost(result.network)
    assert found < result.costs[0]
    kept = [layer.activation for layer in result.network.layers]
    assert kept == [layer.activation for layer in network.layers]


@given(
    kind=st.sampled_from(sorted(TARGETS)),
    hidden=st.sampled_from(HIDDEN),
    activation=st.sampled_from(["identity", "logistic", "tanh", "relu", "leaky_relu"]),
    solver=st.sampled_from(["gd", "sgd", "adam"]),
    in_blocks=st.booleans(),
    stop=st.integers(1, 11),
)
@settings(max_examples=40)
def test_a_run_continues_with_the_same_bits(kind, hidden, activation, solver, in_blocks, stop):
    network, y = network_of(kind, hidden, activation), TARGETS[kind][1]
    rows: Any = (X, y)
    if in_blocks:
        blocks = Blocks.of(X, y, predicts=network.predicts, leaf_rows=7)
        rows = (replace(blocks, window=2), None)
    run: dict[str, Any] = {"engine": get_engine(threads=1), "solver": solver, **SOLVERS[solver]}
    states: list[Any] = []
    whole = train(network, *rows, checkpoints=Checkpoints(states.append, every="1"), **run)
    state = next(state for state in states if state.iterations == stop)
    rest = train(network, *rows, start=state, **run)
    for one, other in zip(rest.network.parameters, whole.network.parameters, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(rest.costs, whole.costs)
    np.testing.assert_array_equal(rest.accuracies, whole.accuracies)


@pytest.mark.parametrize("other", [("identity", (6,), "relu"), ("exp", (6,), "tanh")])
def test_a_state_of_another_network_is_refused(other):
    run: Any = {"engine": get_engine(), "iterations": 2}
    state = train(network_of("identity", (6,)), X, VALUES, **run).state
    with pytest.raises(TrainingError, match="start is the state of a Network"):
        train(network_of(*other), X, VALUES, start=state, **run)


def test_a_run_that_diverges_says_what_to_scale():
    for kind, y, scaled in (
        ("identity", VALUES * 1e6, "the features and the values"),
        ("softmax", TARGETS["softmax"][1], "the features to"),
    ):
        network = network_of(kind, (6,), "relu")
        with pytest.raises(TrainingError, match=f"lower the learning rate, or scale {scaled}"):
            train(network, X, y, engine=get_engine(), learning_rate=1e6, iterations=200)


@pytest.mark.parametrize("kind", TARGETS)
def test_training_has_an_objective_for_each_output(kind):
    network = network_of(kind, (4,))
    objective = Training("gd", alpha=0.5).objective(network.output)
    assert objective == Objective(network.output, alpha=0.5)
