"""Rows, labels and weights of a fit, and samples held out from it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from handgrad import MLPClassifier, MLPRegressor
from handgrad.data import Blocks
from labelled import cancer, digits_8x8

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


SOLVERS = ("adam", "sgd", "lbfgs", "gd")


@pytest.mark.parametrize(
    "X",
    [
        [[1.0, 2.0], ["ant", 3.0]],
        [["ant", 1.0], [2.0, 3.0]],
        np.array([[1, 2], ["ant", 3]]),
        np.array([[1, 2], [3, "ant"]], dtype=object),
        pd.DataFrame({"legs": [1, 2], "name": ["ant", 3]}),
    ],
    ids=str,
)
def test_a_text_among_the_rows_is_named(X):
    with pytest.raises(ValueError, match="ant"):
        MLPClassifier().fit(X, [0, 1])


def test_the_class_that_has_too_few_samples_to_hold_out_is_named():
    X, y = np.eye(40), ["common"] * 39 + ["rare"]
    with pytest.raises(ValueError, match="rare"):
        MLPClassifier(early_stopping=True).fit(X, y)


def test_negative_weights_are_refused():
    X, y = cancer()
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        MLPClassifier().fit(X, y, np.full(len(y), -1))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    "class_weight", ["balanced", {"benign": 3.0}, {"benign": 0.5, "malignant": 2}]
)
def test_class_weights_multiply_the_weights_of_samples(solver, class_weight):
    X, y = cancer()
    y = np.array(["malignant", "benign"])[y]
    weights = np.linspace(0.5, 2, len(y))
    options = {"hidden_layer_sizes": (4,), "solver": solver, "random_state": 0, "max_iter": 5}
    by_class = MLPClassifier(class_weight=class_weight, **options).fit(X, y, weights)
    product = weights * compute_sample_weight(class_weight, y)
    by_sample = MLPClassifier(**options).fit(X, y, product)
    np.testing.assert_array_equal(by_class.coefs_[0], by_sample.coefs_[0])
    plain = MLPClassifier(**options).fit(X, y, weights)
    assert not np.array_equal(by_class.coefs_[0], plain.coefs_[0])


def test_class_weights_hold_in_parts_that_lack_a_class():
    X, y = digits_8x8()
    few = y < 5
    by_class = MLPClassifier((4,), random_state=0, class_weight={2: 3.0, 7: 4.0})
    by_class.partial_fit(X[few], y[few], classes=range(10))
    by_sample = MLPClassifier((4,), random_state=0)
    weights = np.where(y == 2, 3.0, 1.0)
    by_sample.partial_fit(X[few], y[few], weights[few], classes=range(10))
    np.testing.assert_array_equal(by_class.coefs_[0], by_sample.coefs_[0])
    with pytest.raises(ValueError, match="as a dict, not 'balanced'"):
        by_class.set_params(class_weight="balanced").partial_fit(X, y)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_weight_of_two_is_the_sample_twice(solver):
    X, y = cancer()
    options = {"solver": solver, "random_state": 0, "max_iter": 5, "batch_size": 2 * len(y)}
    with pytest.warns(UserWarning, match="clipped") if solver in ("adam", "sgd") else nullcontext():
        weighted = MLPClassifier((4,), **options).fit(X, y, np.full(len(y), 2.0))
    doubled = MLPClassifier((4,), **options).fit(np.vstack([X, X]), np.append(y, y))
    np.testing.assert_allclose(weighted.coefs_[0], doubled.coefs_[0], atol=1e-6)


def test_rows_that_hold_themselves_are_refused():
    rows: list[Any] = []
    rows.append(rows)
    with pytest.raises(ValueError, match="dimension"):
        MLPClassifier().fit(rows, [0])


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_an_own_validation_set_takes_the_place_of_samples_held_out(solver):
    X, y = cancer()
    y = np.array(["malignant", "benign"])[y]
    model = MLPClassifier((4,), solver=solver, early_stopping=True, random_state=0, max_iter=30)
    model.fit(X[:400], y[:400], X_val=X[400:], y_val=y[400:])
    assert model.validation_scores_ is not None
    assert len(model.validation_scores_) == model.n_iter_
    assert model.t_ == 400 * model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.score(X[400:], y[400:]) == model.best_validation_score_


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_own_validation_set_is_scored_after_each_iteration(solver):
    X, y = cancer()
    options = {"solver": solver, "random_state": 0, "max_iter": 6}
    model = MLPClassifier((4,), **options).fit(X, y, X_val=X[::2], y_val=y[::2].tolist())
    alone = MLPClassifier((4,), **options).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], alone.coefs_[0])
    assert model.validation_scores_ is not None
    assert len(model.validation_scores_) == 6
    assert model.validation_scores_[-1] == model.score(X[::2], y[::2])
    assert alone.validation_scores_ is None


def test_a_validation_set_that_does_not_fit_is_refused():
    X, y = cancer()
    model = MLPClassifier((4,), max_iter=2)
    with pytest.raises(ValueError, match="both or neither"):
        model.fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y, X_val=X, y_val=y[:3])
    with pytest.raises(ValueError, match="expecting 30 features"):
        model.fit(X, y, X_val=X[:, 1:], y_val=y)
    model.fit(X, y, X_val=X, y_val=np.full(len(y), 7))  # unseen in training: predicted wrong
    assert model.validation_scores_ == [0, 0]


@pytest.mark.parametrize("rows", ["array", "blocks"])
@pytest.mark.parametrize("wrong", [{0: -1.0}, {0: np.inf}, {0: 0.0, 1: 0.0, 2: 0.0}], ids=str)
def test_class_weights_that_no_class_can_have_are_named(rows, wrong):
    X, y = np.eye(9), np.arange(9) % 3
    given = (X, y) if rows == "array" else (Blocks.of(X, y),)
    with pytest.raises(ValueError, match="class_weight gives the classes of X the weights"):
        MLPClassifier((2,), class_weight=wrong, max_iter=1).fit(*given)


@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
def test_a_label_that_is_no_name_is_refused(make):
    with pytest.raises(ValueError, match="label"):
        make(max_iter=1).fit(np.eye(9), np.arange(9) % 3, label=3)
