"""Gradient descent as a function: the steps of the engine, watched or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from handgrad import solvers
from handgrad.errors import EngineError, ShapeError, TrainingError
from solvers.irises import X, assert_same_network, y

if TYPE_CHECKING:
    from handgrad.engines import Progress


def test_gd_is_the_descent_of_the_engine_watched_or_not(engine, network):
    options: dict[str, Any] = {"learning_rate": 0.3, "iterations": 20}
    expected, costs = engine.descend(network, X, y, **options)
    reports: list[Progress] = []
    watches: list[dict[str, Any]] = [
        {},
        {"on_iteration": lambda _state: None},
        {"on_progress": reports.append},
    ]
    for watch in watches:
        result = solvers.gd(engine, network, X, y, **options, **watch)
        assert_same_network(result.network, expected, tolerance=0)
        np.testing.assert_array_equal(result.costs, costs)
        assert not result.converged
    np.testing.assert_array_equal(reports[-1].accuracies, result.accuracies)


def test_gd_takes_no_step_if_none_is_asked_for(engine, network):
    watches: list[dict[str, Any]] = [{}, {"on_iteration": pytest.fail}]
    for watch in watches:
        result = solvers.gd(engine, network, X, y, iterations=0, **watch)
        assert result.network is network
        assert len(result.costs) == len(result.accuracies) == 0


def test_a_stopped_gd_has_one_cost_per_step(engine, network):
    result = solvers.gd(
        engine, network, X, y, iterations=2000, on_progress=lambda progress: len(progress.costs) > 4
    )
    after, costs = engine.descend(network, X, y, learning_rate=0.1, iterations=len(result.costs))
    assert result.converged
    assert len(result.costs) == len(result.accuracies) == result.iterations
    np.testing.assert_array_equal(result.costs, costs)
    np.testing.assert_array_equal(result.network.W1, after.W1)


@pytest.mark.parametrize("watch", [{}, {"on_iteration": lambda _: None}])
def test_gd_checks_what_it_is_given_even_without_a_step(engine, network, watch):
    with pytest.raises(EngineError, match="iterations is -1"):
        solvers.gd(engine, network, X, y, iterations=-1, **watch)
    with pytest.raises(ShapeError):
        solvers.gd(engine, network, X[:, :3], y, iterations=0, **watch)
    with pytest.raises(TrainingError, match="learning_rate is 0"):
        solvers.gd(engine, network, X, y, learning_rate=0, iterations=0, **watch)
