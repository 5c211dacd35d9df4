"""scikit-learn's perceptrons, without the search for values that are not finite."""

import warnings

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from peers._rows import float_rows


def _estimator(task, X, *, batch_size, iterations):
    sklearn.set_config(assume_finite=True)
    warnings.simplefilter("ignore", ConvergenceWarning)
    kind = MLPClassifier if task.output == "softmax" else MLPRegressor
    estimator = kind(
        hidden_layer_sizes=tuple(len(W) for W, _ in task.layers[:-1]),
        solver=task.solver,
        learning_rate_init=task.learning_rate,
        batch_size=batch_size,
        momentum=0,
        alpha=0,
        shuffle=False,
        tol=0,
        n_iter_no_change=10**9,
        max_iter=1,
        warm_start=True,
    )
    outputs = len(task.layers[-1][0])
    some = np.arange(min(len(task.y), 10 * outputs))
    targets = np.resize(np.arange(outputs, dtype=task.y.dtype), len(some))
    estimator.set_params(batch_size=len(some)).fit(X[some], targets)  # makes its attributes
    return estimator.set_params(max_iter=iterations, batch_size=batch_size)


def _take(estimator, task):
    estimator.coefs_ = [np.asfortranarray(np.array(W).T) for W, _ in task.layers]
    estimator.intercepts_ = [np.array(b)[:, 0] for _, b in task.layers]
    estimator.loss_curve_ = []
    estimator.n_iter_ = estimator.t_ = 0
    estimator.best_loss_ = np.inf


def _training(task, batch_size, iterations):
    X = float_rows(task.X)
    estimator = _estimator(task, X, batch_size=batch_size, iterations=iterations)

    def run():
        estimator.fit(X, task.y)
        return estimator.loss_curve_[-1]

    return lambda: _take(estimator, task), run


def full_batch(task, threads):
    return _training(task, len(task.y), task.steps)


def batches(task, threads):
    return _training(task, task.batch_size, 1)


def predict(task, threads):
    X = float_rows(task.X)
    classifier = _estimator(task, X, batch_size=200, iterations=1)
    _take(classifier, task)
    first = [True]

    def run():
        probabilities = classifier.predict_proba(X)
        if first:
            first.clear()
            return np.mean(np.square(probabilities, dtype=np.float64))
        return 0

    return lambda: None, run


def predict_one(task, threads):
    X = float_rows(task.X)
    classifier = _estimator(task, X, batch_size=200, iterations=1)
    _take(classifier, task)
    samples = [X[i : i + 1] for i in range(task.steps)]

    def run():
        return sum([int(classifier.predict(x)[0]) for x in samples])

    return lambda: None, run
