"""What both of handgrad's engines do."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad import Network, get_engine
from handgrad.engines import Adam, Sgd
from handgrad.layers import Layer


def prepared(name, task, threads):
    """Return the engine and the network."""
    hidden = [Layer(W, b, "relu") for W, b in task.layers[:-1]]
    W, b = task.layers[-1]
    layers = [*hidden, Layer(W, b, "identity")]
    return get_engine(name, threads=threads), Network.of_layers(layers, task.output)


def full_batch(name, task, X, threads):
    """Take full-batch steps; the figure is the last cost."""
    engine, network = prepared(name, task, threads)

    def run():
        settings = {"learning_rate": task.learning_rate, "iterations": task.steps}
        return engine.descend(network, X, task.y, **settings)[1][-1]

    return lambda: None, run


def batches(name, task, X, threads):
    """Train for an epoch; the figure is the mean cost of the batches."""
    engine, network = prepared(name, task, threads)
    rule = (Adam if task.solver == "adam" else Sgd)(task.learning_rate)
    runs: list[Any] = []

    def reset():
        runs[:] = [engine.batches(network, X, task.y, rule=rule, batch_size=task.batch_size)]

    return reset, lambda: np.mean(runs[0].epoch())


def predict(name, task, X, threads):
    """Predict all rows; the figure is the mean of the squared probabilities."""
    engine, network = prepared(name, task, threads)
    found: list[np.ndarray] = []

    def run():
        found[:] = [engine.predict_proba(network, X)]
        return 0

    return lambda: None, _checked_once(run, found)


def _checked_once(run, found):
    """Run the work; compute the figure only in the first run, which is not counted."""
    first = [True]

    def checked():
        run()
        if first:
            first.clear()
            return np.mean(np.square(found[0], dtype=np.float64))
        return 0

    return checked


def predict_one(name, task, X, threads):
    """Predict rows one by one; the figure is the sum of the labels."""
    engine, network = prepared(name, task, threads)
    label = engine.predictor(network).label
    rows = list(X[: task.steps])

    def run():
        return sum([label(x) for x in rows])

    return lambda: None, run
