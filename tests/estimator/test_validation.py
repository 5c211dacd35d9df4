"""Samples that a fit is not trained on: scores, losses, and what early stopping watches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import (
    log_loss,
    make_scorer,
    mean_poisson_deviance,
    mean_squared_error,
    roc_auc_score,
)

from handgrad import MLPClassifier, MLPRegressor
from labelled import cancer, digits_8x8

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ("adam", "sgd", "lbfgs", "gd")
X, y = cancer()
TRAIN, REST = slice(0, 400), slice(400, None)


def classifier(**options: Any) -> MLPClassifier:
    return MLPClassifier((4,), **{"random_state": 0, "max_iter": 12} | options)


@pytest.mark.parametrize("solver", SOLVERS)
def test_losses_of_classes_are_recorded_after_each_iteration(solver):
    model = classifier(solver=solver).fit(X[TRAIN], y[TRAIN], X_val=X[REST], y_val=y[REST])
    assert model.validation_loss_curve_ is not None
    assert len(model.validation_loss_curve_) == model.n_iter_
    expected = log_loss(y[REST], model.predict_proba(X[REST]))
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)
    alone = classifier(solver=solver).fit(X[TRAIN], y[TRAIN])
    assert alone.validation_loss_curve_ is None
    np.testing.assert_array_equal(alone.coefs_[0], model.coefs_[0])


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("values", [1, 2])
def test_losses_of_values_are_recorded_after_each_iteration(loss, values):
    targets = np.abs(X[:, 0] if values == 1 else X[:, :values])
    model = MLPRegressor(loss, (4,), random_state=0, max_iter=8)
    model.fit(X[TRAIN], targets[TRAIN], X_val=X[REST], y_val=targets[REST])
    found, true = (each.reshape(-1, values) for each in (model.predict(X[REST]), targets[REST]))
    expected = mean_squared_error(true, found) / 2
    if loss == "poisson":
        expected = sum(map(mean_poisson_deviance, true.T, found.T)) / 2
    assert model.validation_loss_curve_ is not None
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)
    assert model.validation_scores_ is not None
    assert model.validation_scores_[-1] == pytest.approx(model.score(X[REST], targets[REST]))


def test_losses_of_samples_held_out_are_recorded_too():
    model = classifier(early_stopping=True).fit(X, y)
    assert model.validation_loss_curve_ is not None
    assert model.validation_scores_ is not None
    assert len(model.validation_loss_curve_) == len(model.validation_scores_) == model.n_iter_
    assert model.best_validation_loss_ == min(model.validation_loss_curve_)
    assert model.best_validation_score_ == max(model.validation_scores_)


def test_weights_of_validation_samples_count_in_score_and_loss():
    weights = np.arange(len(y[REST])) % 3
    model = classifier(max_iter=3)
    model.fit(X[TRAIN], y[TRAIN], X_val=X[REST], y_val=y[REST], sample_weight_val=weights)
    assert model.validation_scores_ is not None
    assert model.validation_scores_[-1] == pytest.approx(model.score(X[REST], y[REST], weights))
    assert model.validation_loss_curve_ is not None
    expected = log_loss(y[REST], model.predict_proba(X[REST]), sample_weight=weights)
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_early_stopping_may_watch_the_loss(solver, capsys):
    options = {"early_stopping": True, "scoring": "loss", "verbose": True, "solver": solver}
    options |= {"learning_rate_init": 0.1, "max_iter": 300, "n_iter_no_change": 4}
    model = classifier(**options).fit(X[TRAIN], y[TRAIN], X_val=X[REST], y_val=y[REST])
    assert model.n_iter_ < 300
    assert model.validation_loss_curve_ is not None
    losses = np.array(model.validation_loss_curve_)
    assert model.best_validation_loss_ == losses.min()
    best = log_loss(y[REST], model.predict_proba(X[REST]))  # that of the network which is kept
    assert best == pytest.approx(losses.min())
    improved = [
        n for n in range(len(losses)) if losses[n] <= min(losses[:n], default=np.inf) - 1e-4
    ]
    assert model.n_iter_ == improved[-1] + 1 + 4 + 1
    printed = capsys.readouterr().out
    assert f"Validation loss: {losses[0]:f}" in printed
    assert "Validation loss did not improve more than tol=0.000100 for 4 consec" in printed


@pytest.mark.parametrize(
    "scoring", ["roc_auc", "neg_log_loss", make_scorer(roc_auc_score, response_method="predict")]
)
@pytest.mark.parametrize("own", [False, True])
def test_early_stopping_may_watch_a_scorer(scoring, own):
    given = {"X_val": X[REST], "y_val": y[REST]} if own else {}
    model = classifier(early_stopping=True, scoring=scoring, max_iter=25)
    model.fit(X[TRAIN], y[TRAIN], **given)
    assert model.validation_scores_ is not None
    assert model.best_validation_score_ == max(model.validation_scores_)
    plain = classifier(early_stopping=True, max_iter=1).fit(X[TRAIN], y[TRAIN], **given)
    assert plain.validation_scores_ != model.validation_scores_[:1]
    if own and scoring == "roc_auc":
        best = roc_auc_score(y[REST], model.predict_proba(X[REST])[:, 1])
        assert best == pytest.approx(model.best_validation_score_)


def test_a_scorer_gets_the_samples_as_they_are_and_an_estimator():
    seen: list[Any] = []

    def judge(estimator: Any, rows: Any, targets: Any, **others: Any) -> float:
        seen.append((estimator, rows, targets, others))
        return float(estimator.score(rows, targets))

    names = np.array(["malignant", "benign"])[y]
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])])
    model = classifier(scoring=judge, max_iter=2)
    model.fit(frame[TRAIN], names[TRAIN], X_val=frame[REST], y_val=names[REST])
    assert model.validation_scores_ is not None
    assert len(model.validation_scores_) == 2
    assert model.validation_scores_[-1] == model.score(frame[REST], names[REST])
    estimator, rows, targets, others = seen[-1]
    assert isinstance(estimator, MLPClassifier)
    np.testing.assert_array_equal(rows, X[REST])
    assert targets.tolist() == names[REST].tolist()
    assert others == {}
    weights = np.ones(len(names[REST]))
    model.fit(X, names, X_val=X[REST], y_val=names[REST], sample_weight_val=weights)
    assert list(seen[-1][3]) == ["sample_weight"]


@pytest.mark.parametrize("pixels", [False, True])
@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_matrix])
def test_a_scorer_may_judge_bytes(as_rows, pixels):
    digits, labels = digits_8x8()
    rows = as_rows((digits * 100).astype(np.uint8))
    model = classifier(scoring="f1_macro", early_stopping=True, pixels=pixels, max_iter=4)
    model.fit(rows, labels)
    assert model.validation_scores_ is not None
    assert len(model.validation_scores_) == 4


def test_a_regressor_may_watch_a_scorer():
    model = MLPRegressor(
        hidden_layer_sizes=(4,), scoring="neg_mean_absolute_error", early_stopping=True, max_iter=9
    )
    model.fit(X, X[:, 0])
    assert model.validation_scores_ is not None
    assert max(model.validation_scores_) < 0


def test_the_loss_of_a_class_that_fit_never_saw_is_infinite():
    model = classifier(max_iter=2).fit(X, y, X_val=X, y_val=np.full(len(y), 7))
    assert model.validation_loss_curve_ == [np.inf, np.inf]


def test_a_warm_start_must_beat_the_least_loss_of_earlier_runs():
    options = {"early_stopping": True, "scoring": "loss", "warm_start": True}
    model = classifier(**options, learning_rate_init=0.01, max_iter=60).fit(X, y)
    least, before = model.best_validation_loss_, model.coefs_[0].copy()
    model.set_params(max_iter=1, learning_rate_init=10.0).fit(X, y)
    assert model.best_validation_loss_ == least
    np.testing.assert_array_equal(model.coefs_[0], before)


@pytest.mark.parametrize(
    ("options", "given", "said"),
    [
        ({"scoring": "nonsense"}, {}, "'nonsense' is not a valid scoring value"),
        ({"scoring": 3}, {}, "scoring"),
        ({}, {"sample_weight_val": np.ones(3)}, "sample_weight_val was given without X_val"),
        ({}, {"X_val": X, "y_val": y, "sample_weight_val": [1.0]}, "sample_weight"),
        ({}, {"X_val": X, "y_val": y, "sample_weight_val": -np.ones(len(y))}, "Negative values"),
        ({}, {"X_val": X, "y_val": y, "sample_weight_val": np.zeros(len(y))}, "non-zero|are 0"),
    ],
)
def test_what_cannot_be_watched_is_refused(options, given, said):
    with pytest.raises(ValueError, match=said):
        classifier(**options).fit(X, y, **given)


@pytest.mark.parametrize("labels", [["a", "b"], [0, 7]])
def test_labels_that_the_network_does_not_have_cannot_be_watched(labels):
    several = np.stack([y, 1 - y, y], axis=1)
    with pytest.raises(ValueError, match=r"such as ('a'|0); expected a matrix with 3 columns"):
        classifier().fit(X, several, X_val=X, y_val=np.array(labels)[y])


def test_samples_held_out_that_have_no_weight_are_refused():
    weights = np.zeros(len(y))
    weights[0] = 1  # a training sample
    with pytest.raises(ValueError, match="weights of all samples to score are 0"):
        classifier(early_stopping=True).fit(X, y, weights)
