"""Files of estimators of any depth and output, and of those that earlier versions wrote."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from files.old_files import old_file
from files.test_estimator_file import ATTRIBUTES, as_bytes, content_of, write
from handgrad import MLPClassifier, MLPRegressor, load, save
from handgrad.errors import ModelFileError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4))
TARGETS: dict[str, Any] = {
    "one class": np.zeros(40, int),
    "two classes": RNG.choice(["yes", "no"], 40),
    "classes": RNG.integers(3, size=40),
    "labels": RNG.integers(2, size=(40, 3)),
    "sparse labels": sparse.csr_matrix(RNG.integers(2, size=(40, 3))),
    "value": RNG.normal(size=40),
    "values": RNG.normal(size=(40, 2)),
    "counts": RNG.integers(5, size=40),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def fitted(kind: str, hidden=(3, 2), activation="tanh", **options: Any) -> Any:
    """Return an estimator that was trained on targets of a kind."""
    options = {"max_iter": 3, "random_state": 0, "hidden_layer_sizes": hidden} | options
    if kind in ("value", "values", "counts"):
        loss = "poisson" if kind == "counts" else "squared_error"
        return MLPRegressor(loss, activation=activation, **options).fit(X, TARGETS[kind])
    return MLPClassifier(activation=activation, **options).fit(X, TARGETS[kind])


def dense(predictions: Any) -> Any:
    return predictions.toarray() if sparse.issparse(predictions) else predictions


def assert_same_estimator(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    assert found.get_params() == expected.get_params()
    for one, other in zip(
        found.coefs_ + found.intercepts_, expected.coefs_ + expected.intercepts_, strict=True
    ):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    for name in ATTRIBUTES:
        if name != "history_":
            assert getattr(found, name) == getattr(expected, name), name
    np.testing.assert_equal(vars(found.history_), vars(expected.history_))  # NaN is the same
    rows = X
    if hasattr(expected, "feature_names_in_"):
        rows = pd.DataFrame(X, columns=expected.feature_names_in_)
    assert type(found.predict(rows)) is type(expected.predict(rows))
    np.testing.assert_array_equal(dense(found.predict(rows)), dense(expected.predict(rows)))
    if hasattr(expected, "classes_"):
        np.testing.assert_array_equal(found.classes_, expected.classes_)
        np.testing.assert_array_equal(found.predict_proba(rows), expected.predict_proba(rows))


@pytest.mark.parametrize("hidden", [(), 4, (4, 3, 2)])
@pytest.mark.parametrize("kind", list(TARGETS))
def test_an_estimator_of_any_depth_and_output_comes_back(path, kind, hidden):
    model = fitted(kind, hidden)
    save(model, path)
    assert_same_estimator(load(path), model)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_names_of_the_columns_of_targets_come_back_in_their_order(path, kind):
    table = path.with_name("table.csv")
    columns = pd.DataFrame(X, columns=list("abcd")), pd.DataFrame(TARGETS["labels"])
    names = ["a", "b", "c", "d", "wind", "rain", "fog"]
    pd.concat(columns, axis=1).set_axis(names, axis=1).to_csv(table, index=False)
    model = kind(hidden_layer_sizes=(2,), max_iter=2).fit(table, label=("wind", "rain", "fog"))
    save(model, path)
    again = load(path)
    assert again.model().class_names == model.model().class_names == ("wind", "rain", "fog")
    assert_same_estimator(again, model)
    if kind is MLPClassifier:
        assert again.classes_.tolist() == ["wind", "rain", "fog"]


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "leaky_relu"},
        {"activation": "logistic", "solver": "lbfgs"},
        {"activation": "identity", "solver": "gd"},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"solver": "sgd", "tol": 0.05, "learning_rate": "adaptive"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["classes", "labels", "values", "counts"])
def test_a_loaded_estimator_continues_as_the_saved_one(path, kind, options):
    model = fitted(kind, **options)
    save(model, path)
    again = load(path)
    assert_same_estimator(again, model)
    for estimator in (model, again):
        estimator.set_params(warm_start=True).fit(X, TARGETS[kind])
    for one, other in zip(again.coefs_, model.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert (again.loss_, again.n_iter_) == (model.loss_, model.n_iter_)


def test_a_parameter_for_the_next_fit_does_not_change_the_network_of_this_one(path):
    model = fitted("classes").set_params(hidden_layer_sizes=(7,))
    save(model, path)
    again = load(path)
    assert_same_estimator(again, model)
    assert again.fit(X, TARGETS["classes"]).n_layers_ == 3


@pytest.mark.parametrize("version", [1, 2])
def test_estimators_of_earlier_versions_load(path, version):
    path.write_bytes(old_file(version, "two_classes"))
    model = load(path)
    rows = [[0.0, 0], [0, 1], [1, 0], [1, 1]]
    assert (type(model), model.classes_.tolist()) == (MLPClassifier, ["no", "yes"])
    assert (model.hidden_layer_sizes, model.n_iter_, model.n_layers_) == ((2,), 2, 3)
    expected = [0.8458619355219288, 0.8593176381966633, 0.9074866554394511, 0.914413000865974]
    np.testing.assert_allclose(model.predict_proba(rows)[:, 1], expected, rtol=1e-12)
    path.write_bytes(old_file(version, "three_classes"))
    model = load(path)
    assert (model.classes_.tolist(), model.solver) == ([0, 1, 2], "lbfgs")
    expected = [0.5180732554835579, 0.1254845381327344, 0.3564422063837077]
    np.testing.assert_allclose(model.predict_proba(rows)[0], expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["two_classes", "three_classes"])
def test_a_classifier_of_the_notes_is_written_so_that_earlier_programs_read_it(path, kind):
    path.write_bytes(old_file(2, kind))
    save(load(path), path)
    assert path.read_bytes() == old_file(2, kind)


def test_a_loss_that_earlier_programs_did_not_record_is_not_a_number(path):
    path.write_bytes(old_file(2, "stopped_early"))
    model = load(path)
    assert (model.validation_scores_, model.best_validation_score_) == ([0.5, 0.5], 0.5)
    assert np.isnan(model.validation_loss_curve_).tolist() == [True, True]
    rows = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]] * 4)
    model.set_params(warm_start=True).fit(rows, [0, 1, 1, 0] * 4)
    assert np.isnan(model.validation_loss_curve_).tolist() == [True, True, False, False]
    assert len(model.validation_scores_) == 4


@pytest.mark.parametrize("scoring", [None, "loss", "balanced_accuracy", "function"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_what_is_measured_on_validation_samples_comes_back(path, scoring, early_stopping):
    y, scorer = TARGETS["two classes"], scoring
    if scoring == "function":
        scorer = lambda estimator, X, y: estimator.score(X, y)  # noqa: E731
    options = {"scoring": scorer, "early_stopping": early_stopping, "random_state": 0}
    model = MLPClassifier((3,), max_iter=3, **options).fit(X, y, X_val=X, y_val=y)
    save(model, path)
    assert_same_estimator(
        load(path), model.set_params(scoring=None if callable(scorer) else scorer)
    )
    description, _ = content_of(path)
    assert description["format_version"] == 3


@pytest.mark.parametrize("scoring", ["nothing", 3, ["loss"], {"loss": 1}])
def test_a_scoring_that_is_none_is_refused(path, scoring):
    save(fitted("classes"), path)
    description, arrays = content_of(path)
    assert "scoring" not in description["parameters"]
    description["parameters"]["scoring"] = scoring
    write(path, description, arrays)
    with pytest.raises(ModelFileError, match="does not describe an estimator"):
        load(path)


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("labels", {"sparse": ...}, "'sparse'"),
        ("labels", {"sparse": 1}, "sparse is not true or false"),
        ("labels", {"classes_type": "U"}, "classes are not all strings"),
        ("labels", {"activations": ["relu", "relu"]}, "another activation"),
        ("labels", {"output": "identity"}, "'values'"),
        ("labels", {"output": "softmax"}, None),
        ("values", {"output": "exp"}, None),
        ("values", {"output": "softmax"}, "'classes'"),
        ("values", {"activations": ["tanh", "relu"]}, "another activation"),
        ("two classes", {"output": "logistic"}, "'sparse'"),
    ],
)
def test_descriptions_that_no_estimator_has_are_refused(path, kind, changes, words):
    save(fitted(kind), path)
    description, arrays = content_of(path)
    changed = {n: value for n, value in (description | changes).items() if value is not ...}
    write(path, changed, arrays)
    if words is None:  # another estimator, and a whole one
        assert load(path).predict(X).shape[0] == len(X)
        return
    with pytest.raises(ModelFileError, match=rf"does not describe an estimator \(.*{words}"):
        load(path)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("values", {"values": None}),
        ("values", {"values": as_bytes('["0"]')}),
        ("values", {"values": as_bytes('["0", "0"]')}),
        ("values", {"values": as_bytes("[0, 1]")}),
        ("values", {"values": as_bytes('{"0": 1}')}),
        ("values", {"values": np.ones(2)}),
        ("labels", {"classes": None}),
        ("labels", {"classes": as_bytes("[0, 1]")}),
        ("labels", {"classes": as_bytes("[0, 2, 0]")}),
        ("classes", {"classes": as_bytes("[0, 2, 1]")}),
        ("labels", {"W3": None}),
        ("labels", {"W4": np.ones((3, 3))}),
        ("labels", {"accuracies": np.ones(7)}),
    ],
)
def test_arrays_that_no_estimator_has_are_refused(path, kind, changes):
    save(fitted(kind), path)
    description, arrays = content_of(path)
    write(path, description, {n: a for n, a in (arrays | changes).items() if a is not None})
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        load(path)


def test_a_first_logit_of_a_deep_network_that_is_not_0_is_refused(path):
    save(fitted("two classes"), path)
    description, arrays = content_of(path)
    arrays["W3"][0, 0] = 1
    write(path, description, arrays)
    with pytest.raises(ModelFileError, match="first logit"):
        load(path)


def test_the_loss_of_a_regressor_is_that_of_its_network(path):
    model = fitted("counts").set_params(loss="squared_error")
    save(model, path)
    description, _ = content_of(path)
    assert description["output"] == "exp"
    np.testing.assert_array_equal(load(path).predict(X), model.predict(X))
    assert json.dumps(description)
