"""scikit-learn's MLPClassifier, without the search for values that are not finite."""

import warnings

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from peers._rows import float_rows


def _classifier(task, X, *, batch_size, iterations):
    sklearn.set_config(assume_finite=True)
    warnings.simplefilter("ignore", ConvergenceWarning)
    classifier = MLPClassifier(
        hidden_layer_sizes=(len(task.parameters[0]),),
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
    classes = len(task.parameters[2])
    some = np.arange(min(len(task.y), 10 * classes))
    labels = np.resize(np.arange(classes), len(some))
    classifier.set_params(batch_size=len(some)).fit(X[some], labels)  # makes its attributes
    return classifier.set_params(max_iter=iterations, batch_size=batch_size)


def _take(classifier, parameters):
    W1, b1, W2, b2 = (np.array(value) for value in parameters)
    classifier.coefs_ = [np.asfortranarray(W1.T), np.asfortranarray(W2.T)]
    classifier.intercepts_ = [b1[:, 0], b2[:, 0]]
    classifier.loss_curve_ = []
    classifier.n_iter_ = classifier.t_ = 0
    classifier.best_loss_ = np.inf


def _training(task, batch_size, iterations):
    X = float_rows(task.X)
    classifier = _classifier(task, X, batch_size=batch_size, iterations=iterations)

    def run():
        classifier.fit(X, task.y)
        return classifier.loss_curve_[-1]

    return lambda: _take(classifier, task.parameters), run


def full_batch(task, threads):
    return _training(task, len(task.y), task.steps)


def batches(task, threads):
    return _training(task, task.batch_size, 1)


def predict(task, threads):
    X = float_rows(task.X)
    classifier = _classifier(task, X, batch_size=200, iterations=1)
    _take(classifier, task.parameters)
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
    classifier = _classifier(task, X, batch_size=200, iterations=1)
    _take(classifier, task.parameters)
    samples = [X[i : i + 1] for i in range(task.steps)]

    def run():
        return sum([int(classifier.predict(x)[0]) for x in samples])

    return lambda: None, run
