"""Adam as a function, against scikit-learn's optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from handgrad import Network, solvers
from handgrad.engines import Adam
from solvers.irises import ORDERED, Oracle, X, assert_same_network, y


def test_adam_follows_the_optimizer_of_scikit_learn_in_its_order_of_rows(engine, network):
    options = {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}
    oracle = Oracle(network, AdamOptimizer, learning_rate_init=0.01, **options)
    random = np.random.RandomState(5)
    for _ in range(4):
        oracle.epoch(random)
    result = solvers.adam(
        engine, network, X, y, rule=Adam(0.01, **options), epochs=4, seed=5, batch_size=40
    )
    assert_same_network(result.network, Network(*oracle.arrays))


def test_a_run_continues_where_another_ended(engine, network):
    options: dict[str, Any] = {"rule": Adam(0.01), **ORDERED}
    whole = solvers.adam(engine, network, X, y, epochs=5, **options)
    first = solvers.adam(engine, network, X, y, epochs=2, **options)
    second = solvers.adam(engine, first.network, X, y, epochs=3, moments=first.moments, **options)
    assert_same_network(second.network, whole.network)
