"""Estimators as values, which a file may hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from handgrad import MLPClassifier, MLPRegressor, Network
from handgrad.estimator.target_kinds import ClassTargets, LabelTargets, ValueTargets
from labelled import cancer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = cancer()
KINDS: dict[str, tuple[Any, Any]] = {
    "one class": (MLPClassifier, np.zeros(len(y), int)),
    "two classes": (MLPClassifier, np.array(["no", "yes"])[y]),
    "three classes": (MLPClassifier, np.arange(len(y)) % 3),
    "labels": (MLPClassifier, np.column_stack([y, 1 - y, np.arange(len(y)) % 2])),
    "a value": (MLPRegressor, X[:, 0]),
    "values": (MLPRegressor, X[:, :2]),
}


@pytest.mark.parametrize("hidden", [(), (4,), (4, 3)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
def test_an_estimator_comes_back_from_its_state(kind, hidden, options):
    make, targets = KINDS[kind]
    fixed: dict[str, Any] = {"random_state": 0, "max_iter": 3, "warm_start": True}
    before = make(hidden_layer_sizes=hidden, **fixed, **options).fit(X, targets)
    after = make.from_state(before.state())
    np.testing.assert_array_equal(after.predict(X), before.predict(X))
    left = {"_memory", "history_", "_targets", "coefs_", "intercepts_"}
    for name in set(vars(before)) - left:
        np.testing.assert_equal(getattr(after, name), getattr(before, name), name)
    for found, expected in zip(after.coefs_, before.coefs_, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert after.history_ == before.history_ or kind.endswith("values") or kind == "a value"
    again = [estimator.fit(X, targets).coefs_[0] for estimator in (before, after)]
    np.testing.assert_array_equal(again[0], again[1])


def test_the_state_holds_names_of_features_and_the_softmax_of_two_classes():
    frame = pd.DataFrame(X[:, :2], columns=["left", "right"])
    model = MLPClassifier((3,), max_iter=2, random_state=0).fit(frame, y)
    state = model.state()
    assert state.feature_names == ("left", "right")
    assert state.network.output == "softmax"
    assert state.network.K == 2
    after = MLPClassifier.from_state(state)
    assert after.feature_names_in_.tolist() == ["left", "right"]
    assert after.coefs_[-1].shape == (3, 1)


def test_parameters_that_became_invalid_have_no_state():
    model = MLPClassifier((3,), max_iter=2, random_state=0).fit(X, y)
    state = model.state()
    with pytest.raises(ValueError, match="alpha"):
        model.set_params(alpha=-1).state()
    with pytest.raises(ValueError, match="alpha"):
        MLPClassifier.from_state(replace(state, parameters=state.parameters | {"alpha": -1}))


def test_a_single_class_is_predicted_with_two_probabilities_as_in_scikit_learn():
    make, targets = KINDS["one class"]
    model = make((3,), max_iter=20, random_state=0).fit(X, targets)
    assert model.predict_proba(X).shape == (len(X), 2)
    assert set(model.predict(X)) == {0}
    assert model.network().K == 1
    assert model.model().class_names == ("0",)


def test_functions_among_the_parameters_are_not_part_of_the_state():
    model = MLPClassifier((3,), max_iter=2, on_iteration=lambda _: None, scoring=lambda *_: 0.5)
    state = model.fit(X, y, X_val=X, y_val=y).state()
    assert state.parameters["on_iteration"] is None
    assert state.parameters["scoring"] is None


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": ClassTargets(np.arange(3))},
        {"kind": ClassTargets(np.arange(1))},
        {"kind": LabelTargets(np.arange(2))},
        {"kind": ValueTargets(("a", "b"))},
        {"network": Network.initial(features=30, hidden=(4,), classes=2, dtype="float64")},
        {"network": Network.initial(features=30, hidden=(4,), classes=3, dtype="float64")},
    ],
    ids=str,
)
def test_a_network_that_the_estimator_could_not_have_is_refused(changed):
    state = MLPClassifier((4,), max_iter=2, random_state=0).fit(X, y).state()
    with pytest.raises((TypeError, ValueError), match=r"The network is|holds values"):
        MLPClassifier.from_state(replace(state, **changed))


def test_a_network_of_other_units_is_refused():
    state = MLPClassifier((4,), max_iter=2, random_state=0).fit(X, y).state()
    others = state.parameters | {"activation": "tanh"}
    with pytest.raises(ValueError, match="expected one of tanh units"):
        MLPClassifier.from_state(replace(state, parameters=others))


def test_sizes_that_were_set_after_the_fit_are_not_those_of_the_network():
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(X, y)
    after = MLPClassifier.from_state(model.set_params(hidden_layer_sizes=(5, 5, 5)).state())
    assert after.n_layers_ == model.n_layers_ == 3
    np.testing.assert_array_equal(after.predict(X), model.predict(X))
