"""L-BFGS as a function: where it ends, and how often it asks the engine."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from handgrad import get_engine, notes, solvers
from solvers.irises import X, y


def test_lbfgs_ends_where_the_gradient_is_small(engine, network):
    weights = np.linspace(0.5, 2, len(y))
    result = solvers.lbfgs(
        engine, network, X, y, alpha=1.0, sample_weight=weights, tol=1e-5, iterations=500
    )
    assert result.converged
    assert "CONVERGENCE" in result.message
    _, gradient = engine.cost_and_gradient(result.network, X, y, weights)
    decay = 1.0 / weights.sum()
    for name, slope in zip(("dW1", "db1", "dW2", "db2"), gradient, strict=True):
        weight = getattr(result.network, name[1:])
        total = slope + decay * weight if name in ("dW1", "dW2") else slope
        assert abs(total).max() < 1e-3


def test_lbfgs_says_what_limit_it_reached(engine, network):
    steps = solvers.lbfgs(engine, network, X, y, iterations=3)
    assert (len(steps.costs), steps.converged) == (3, False)
    assert "ITERATIONS" in steps.message
    asked = solvers.lbfgs(engine, network, X, y, evaluations=4)
    assert not asked.converged
    assert "EVALUATIONS" in asked.message


def test_lbfgs_that_need_not_step_says_the_cost(engine, network):
    found = solvers.lbfgs(engine, network, X, y, tol=100.0)
    assert found.converged
    cost, _ = engine.cost_and_gradient(network, X, y)
    np.testing.assert_allclose(found.costs, [cost])


def test_lbfgs_gives_the_accuracy_of_the_network_that_each_step_reached(engine, network):
    states: list[solvers.Iteration] = []
    result = solvers.lbfgs(engine, network, X, y, iterations=9, on_iteration=states.append)
    expected = [np.mean(notes.predict(state.network, X) == y) for state in states]
    np.testing.assert_allclose(result.accuracies, expected)
    assert [state.accuracy for state in states] == result.accuracies.tolist()
    silent = solvers.lbfgs(engine, network, X, y, iterations=9)
    np.testing.assert_array_equal(silent.accuracies, result.accuracies)


def test_lbfgs_asks_for_each_cost_once(network):
    engine, asked = get_engine(), []

    class Counting:
        name = engine.name

        def session(self, *given):
            session: Any = engine.session(*given)
            self.compute, session.cost_and_gradient = session.cost_and_gradient, self.count
            return session

        def count(self, network):
            asked.append(network)
            return self.compute(network)

    counting: Any = Counting()
    result = solvers.lbfgs(counting, network, X, y, iterations=9, on_iteration=lambda _: None)
    assert len(result.costs) <= len(asked) <= 2 * len(result.costs)
    pairs = itertools.pairwise(asked)
    assert not any(np.array_equal(a.W1, b.W1) for a, b in pairs)


def test_lbfgs_leaves_the_processors_to_the_engine(network):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    engine = get_engine()
    seen: set[int] = set()

    class Watching:
        name = "native"

        def session(self, *given):
            session: Any = engine.session(*given)
            self.compute, session.cost_and_gradient = session.cost_and_gradient, self.look
            return session

        def look(self, network):
            libraries = threadpoolctl.threadpool_info()
            seen.update(x["num_threads"] for x in libraries if x["user_api"] == "blas")
            return self.compute(network)

    watching: Any = Watching()
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        solvers.lbfgs(watching, network, X, y, iterations=2)
    assert seen == {1}
