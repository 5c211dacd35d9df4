"""The irises as a problem for solvers, and scikit-learn's optimizers on it as an oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_iris
from sklearn.utils import gen_batches, shuffle

from handgrad import Network, get_engine

X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
ORDERED: dict[str, Any] = {"seed": None, "batch_size": 40}


def assert_same_network(found, expected, tolerance=1e-10):
    for one, other in zip(found.parameters, expected.parameters, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


class Oracle:
    """Batches by scikit-learn's optimizers, over the gradients of the reference engine."""

    def __init__(self, network, optimizer, **options):
        self.arrays = [array.copy() for array in network.parameters]
        self.optimizer = optimizer(self.arrays, **options)
        self.rows, self.seen = np.arange(len(y)), 0

    def epoch(self, random=None):
        if random is not None:
            self.rows = shuffle(self.rows, random_state=random)
        engine = get_engine("reference")
        for batch in gen_batches(len(y), ORDERED["batch_size"]):
            rows = self.rows[batch]
            _, gradient = engine.cost_and_gradient(Network(*self.arrays), X[rows], y[rows])
            self.optimizer.update_params(self.arrays, list(gradient))
        self.seen += len(y)
        self.optimizer.iteration_ends(self.seen)
        return self.optimizer.learning_rate
