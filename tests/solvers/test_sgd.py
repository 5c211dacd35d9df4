"""Sgd as a function, against scikit-learn's optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from handgrad import Network, solvers
from handgrad.engines import Sgd
from handgrad.errors import EngineError, TrainingError
from solvers.irises import ORDERED, Oracle, X, assert_same_network, y


@pytest.mark.parametrize("schedule", solvers.SCHEDULES)
@pytest.mark.parametrize("momentum", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_follows_the_optimizer_of_scikit_learn(engine, network, schedule, momentum, nesterov):
    oracle = Oracle(
        network,
        SGDOptimizer,
        learning_rate_init=0.02,
        lr_schedule=schedule,
        momentum=momentum,
        nesterov=nesterov,
        power_t=0.3,
    )
    rates = [0.02] + [oracle.epoch() for _ in range(4)]
    seen: list[solvers.Iteration] = []
    result = solvers.sgd(
        engine,
        network,
        X,
        y,
        rule=Sgd(0.02, momentum=momentum, nesterov=nesterov),
        schedule=schedule,
        power_t=0.3,
        epochs=4,
        on_iteration=seen.append,
        **ORDERED,
    )
    assert_same_network(result.network, Network(*oracle.arrays))
    np.testing.assert_allclose([state.learning_rate for state in seen], rates[:4])
    np.testing.assert_allclose(result.learning_rate, rates[4])


def test_an_adaptive_rate_falls_by_five_whenever_patience_is_spent(engine, network):
    rates: list[Any] = []
    seen: list[solvers.Iteration] = []
    result = solvers.sgd(
        engine,
        network,
        X,
        y,
        rule=Sgd(1e-4),
        schedule="adaptive",
        patience=solvers.Patience(tol=10, iterations=1),
        on_iteration=seen.append,
        on_stall=rates.append,
        **ORDERED,
    )
    # The first epoch improves on nothing; then each second one spends patience.
    np.testing.assert_allclose(rates[:-1], [1e-4 / 5, 1e-4 / 25, 1e-4 / 125])
    assert rates[-1] is None
    assert [state.learning_rate for state in seen][-1] == rates[-2] <= 1e-6
    assert result.converged
    assert len(result.costs) == 1 + 2 * 4


def test_another_figure_than_the_cost_may_end_a_run(engine, network):
    result = solvers.sgd(
        engine,
        network,
        X,
        y,
        patience=solvers.Patience(tol=0.1, iterations=2),
        figure=lambda state: -float(state.iteration == 4),
        **ORDERED,
    )
    assert len(result.costs) == 4 + 3


def test_a_schedule_or_a_batch_that_makes_no_sense_is_refused(engine, network):
    with pytest.raises(TrainingError, match="schedule is 'cosine'; expected one of constant"):
        solvers.sgd(engine, network, X, y, schedule="cosine")  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="batch_size is 0"):
        solvers.sgd(engine, network, X, y, batch_size=0)


def test_what_is_no_rule_is_refused(engine, network):
    wrong: Any = 3
    with pytest.raises(TrainingError, match="rule is 3; expected an Sgd or an Adam"):
        solvers.sgd(engine, network, X, y, rule=wrong)
