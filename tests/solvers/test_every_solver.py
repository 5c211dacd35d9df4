"""What every solver does as a function, over every engine."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from handgrad import Network, solvers
from handgrad.engines import Adam, Sgd
from handgrad.errors import EngineError, ShapeError
from handgrad.objective import Objective
from solvers.irises import X, assert_same_network, y

SOLVERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "gd": (solvers.gd, {"learning_rate": 0.5, "iterations": 30}),
    "sgd": (solvers.sgd, {"rule": Sgd(0.1, momentum=0.9), "epochs": 30, "batch_size": 40}),
    "adam": (solvers.adam, {"rule": Adam(0.05), "epochs": 30, "batch_size": 40}),
    "lbfgs": (solvers.lbfgs, {"iterations": 30}),
}


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("watched", [False, True])
def test_every_solver_lowers_the_cost_over_every_engine(engine, network, name, watched):
    solve, options = SOLVERS[name]
    seen: list[solvers.Iteration] = []
    watch = {"on_iteration": seen.append} if watched else {}
    result = solve(engine, network, X, y, **options, **watch)
    assert result.costs[-1] < 0.5 * result.costs[0]
    if watched:
        assert [state.iteration for state in seen] == list(range(1, len(result.costs) + 1))
        assert [state.cost for state in seen] == result.costs.tolist()
        assert [state.accuracy for state in seen] == result.accuracies.tolist()
        assert all(earlier.seconds <= later.seconds for earlier, later in itertools.pairwise(seen))
        assert_same_network(seen[-1].network, result.network, tolerance=0)
    assert len(result.accuracies) == len(result.costs)
    assert result.accuracies[-1] > 0.9


@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_stops_where_it_is_told_to(engine, network, name):
    solve, options = SOLVERS[name]
    result = solve(
        engine, network, X, y, **options, on_iteration=lambda state: state.iteration == 3
    )
    assert len(result.costs) == len(result.accuracies) == 3
    assert result.converged
    whole = solve(engine, network, X, y, **options)
    np.testing.assert_array_equal(result.costs, whole.costs[:3])


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_of_the_network_stays(engine, network, name, dtype):
    solve, options = SOLVERS[name]
    result = solve(engine, network.astype(dtype), X.astype(dtype), y, **options)
    assert result.network.dtype == dtype


@pytest.mark.parametrize("name", SOLVERS)
def test_a_logistic_output_stays_one(engine, name):
    W1, b1, W2, b2 = Network.initial(features=4, hidden=5, classes=1, dtype="float64").parameters
    network = Network(W1, b1, W2, b2, output="logistic")
    solve, options = SOLVERS[name]
    result = solve(engine, network, X, y // 2, alpha=0.1, **options)
    assert result.network.output == "logistic"
    assert result.costs[-1] < result.costs[0]
    cost = engine.session(X, y // 2, Objective("logistic", alpha=0.1)).cost(network)
    softmax = engine.session(X, y // 2, Objective(alpha=0.1)).cost(network.as_softmax())
    assert cost == pytest.approx(softmax, rel=1e-12)


def test_what_makes_no_sense_is_refused(engine, network):
    for solve, options in SOLVERS.values():
        with pytest.raises(EngineError, match="alpha is -1"):
            solve(engine, network, X, y, alpha=-1, **options)
        with pytest.raises(ShapeError, match="samples as columns"):
            solve(engine, network, X[:100].T, y[:100], **options)
        with pytest.raises(ShapeError, match="labels"):
            solve(engine, network, X, y + 1, **options)
