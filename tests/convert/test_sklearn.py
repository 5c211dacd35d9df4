"""Conversions from and to scikit-learn, whose own predictions are the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import sparse
from sklearn import neural_network
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from handgrad import MLPClassifier, MLPRegressor, Network, convert, get_engine, load, save
from handgrad.errors import ConversionError
from handgrad.layers import Layer
from handgrad.model import Model
from strategies import networks

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
TARGETS: dict[str, Any] = {
    "two classes": RNG.choice(["yes", "no"], 60),
    "classes": RNG.integers(4, size=60),
    "booleans": RNG.random(60) > 0.5,
    "labels": RNG.integers(2, size=(60, 3)),
    "value": RNG.normal(size=60),
    "values": RNG.normal(size=(60, 2)),
    "counts": RNG.integers(5, size=60),
}
ENGINE = get_engine("reference")


def fitted(kind: str, hidden=(4, 3), activation="tanh", dtype=np.float64, **options: Any) -> Any:
    """Return a perceptron of scikit-learn that was trained on targets of a kind."""
    options = {"max_iter": 4, "random_state": 1} | options
    if kind in ("value", "values", "counts"):
        options |= {"loss": "poisson"} if kind == "counts" else {}
        estimator = neural_network.MLPRegressor(
            hidden_layer_sizes=hidden, activation=activation, **options
        )
    else:
        estimator = neural_network.MLPClassifier(hidden, activation=activation, **options)
    return estimator.fit(X.astype(dtype), TARGETS[kind])


def outputs_of(estimator: Any, rows: Any) -> np.ndarray:
    predict = getattr(estimator, "predict_proba", estimator.predict)
    result: np.ndarray = predict(rows)
    return result[:, None] if result.ndim == 1 else result


@pytest.mark.parametrize("hidden", [(), (4,), (4, 3, 2)])
@pytest.mark.parametrize("kind", list(TARGETS))
def test_a_perceptron_becomes_a_model_that_predicts_the_same(tmp_path, kind, hidden):
    theirs = fitted(kind, hidden)
    model = convert.from_sklearn(theirs)
    assert (type(model), model.hidden) == (Model, hidden)
    np.testing.assert_allclose(ENGINE.outputs(model, X), outputs_of(theirs, X), rtol=1e-12)
    if hasattr(theirs, "classes_"):
        assert model.class_names == tuple(map(str, theirs.classes_.tolist()))
    save(model, tmp_path / "model")
    np.testing.assert_array_equal(
        ENGINE.outputs(load(tmp_path / "model"), X), ENGINE.outputs(model, X)
    )


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_activation_and_type_is_kept(activation, dtype):
    theirs = fitted("classes", activation=activation, dtype=dtype)
    model = convert.from_sklearn(theirs)
    assert (model.activation, model.dtype) == (activation, dtype)
    rows = X.astype(dtype)
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(ENGINE.outputs(model, rows), theirs.predict_proba(rows), rtol=rtol)


def test_bytes_are_numbers_as_in_scikit_learn():
    rows = RNG.integers(0, 256, (30, 5), dtype=np.uint8)
    theirs = neural_network.MLPClassifier((3,), max_iter=3).fit(rows, np.arange(30) % 3)
    model = convert.from_sklearn(theirs)
    np.testing.assert_allclose(ENGINE.outputs(model, rows), theirs.predict_proba(rows), rtol=1e-9)
    back = convert.to_sklearn(model)
    np.testing.assert_allclose(back.predict_proba(rows), theirs.predict_proba(rows), rtol=1e-9)


def test_names_of_features_are_kept_both_ways():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcde"))
    theirs = neural_network.MLPClassifier((3,), max_iter=3).fit(frame, TARGETS["classes"])
    model = convert.from_sklearn(theirs)
    assert model.feature_names == tuple("abcde")
    back = convert.to_sklearn(model)
    np.testing.assert_allclose(back.predict_proba(frame), theirs.predict_proba(frame))
    with pytest.raises(ValueError, match="feature names"):
        back.predict(frame[frame.columns[::-1]])


@pytest.mark.parametrize("kind", list(TARGETS))
@pytest.mark.parametrize("options", [{}, {"solver": "lbfgs"}, {"early_stopping": True}], ids=str)
def test_there_and_back_again_is_the_same_perceptron(kind, options):
    theirs = fitted(kind, **options)
    back = convert.to_sklearn(convert.from_sklearn(theirs))
    assert type(back) is type(theirs)
    np.testing.assert_allclose(outputs_of(back, X), outputs_of(theirs, X), rtol=1e-12)
    names = ["n_layers_", "n_outputs_", "out_activation_", "n_features_in_", "activation"]
    names += ["loss"] if kind in ("value", "values", "counts") else []
    for name in names:
        assert getattr(back, name) == getattr(theirs, name), name
    arrays = [both.coefs_ + both.intercepts_ for both in (back, theirs)]
    for one, other in zip(*arrays, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    if kind in ("two classes", "classes", "labels"):
        np.testing.assert_array_equal(back.classes_, theirs.classes_)
        assert back.classes_.dtype.kind == theirs.classes_.dtype.kind
        np.testing.assert_array_equal(back.predict(X), theirs.predict(X))
        assert back.score(X, TARGETS[kind]) == theirs.score(X, TARGETS[kind])


@given(network=networks())
@settings(max_examples=60)
def test_any_network_that_scikit_learn_has_predicts_the_same_there(network):
    names = {layer.activation for layer in network.layers[:-1]}
    if len(names) > 1 or "leaky_relu" in names or network.classes == 1:
        with pytest.raises(ConversionError):
            convert.to_sklearn(network)
        return
    theirs = convert.to_sklearn(network)
    rows = np.random.default_rng(1).normal(size=(7, network.D))
    expected = ENGINE.outputs(network, rows.astype(network.dtype))
    rtol = 1e-4 if network.dtype == np.float32 else 1e-9
    found = outputs_of(theirs, rows.astype(network.dtype))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("kind", ["two classes", "classes", "labels", "value", "counts"])
@pytest.mark.parametrize("options", [{}, {"solver": "sgd"}, {"solver": "lbfgs"}], ids=str)
def test_scikit_learn_trains_a_converted_network_further(kind, options):
    theirs = convert.to_sklearn(convert.from_sklearn(fitted(kind)))
    before = [W.copy() for W in theirs.coefs_]
    y = TARGETS[kind]
    if options.get("solver") != "lbfgs":
        theirs.set_params(**options).partial_fit(X, y)
        assert theirs.t_ == len(X)
        assert len(theirs.loss_curve_) == 1
    theirs.set_params(warm_start=True, max_iter=2, **options)
    first = [W.copy() for W in theirs.coefs_]
    theirs.fit(X, y)
    assert np.abs(theirs.coefs_[0] - before[0]).max() > 0
    if options.get("solver") != "lbfgs":
        assert np.abs(theirs.coefs_[0] - first[0]).max() < 0.1  # no fresh start
    clone(theirs).fit(X, y)


def test_scikit_learn_stops_a_converted_estimator_early():
    y = TARGETS["classes"]
    ours = MLPClassifier((3,), max_iter=3, early_stopping=True, random_state=0).fit(X, y)
    theirs = convert.to_sklearn(ours)
    assert theirs.validation_scores_ == ours.validation_scores_
    theirs.set_params(warm_start=True).fit(X, y)
    assert len(theirs.validation_scores_) == 6


def test_partial_fit_takes_the_step_that_the_original_would_take():
    theirs = fitted("classes", solver="sgd", momentum=0.0, shuffle=False)
    back = convert.to_sklearn(convert.from_sklearn(theirs))
    back.set_params(solver="sgd", momentum=0.0, shuffle=False)
    theirs.partial_fit(X, TARGETS["classes"])
    back.partial_fit(X, TARGETS["classes"])
    for one, other in zip(back.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_outputs_change_places_where_scikit_learn_sorts_its_classes():
    network = Network.initial(features=5, hidden=3, classes=3, dtype=np.float64)
    expected = ENGINE.outputs(network, X)
    theirs = convert.to_sklearn(network, classes=["cow", "ant", "bee"])
    assert theirs.classes_.tolist() == ["ant", "bee", "cow"]
    np.testing.assert_allclose(theirs.predict_proba(X), expected[:, [1, 2, 0]])
    of_two = Network.initial(features=5, hidden=3, classes=2, dtype=np.float64)
    theirs = convert.to_sklearn(Model.of(of_two, class_names=("yes", "no")))
    assert theirs.classes_.tolist() == ["no", "yes"]
    np.testing.assert_allclose(theirs.predict_proba(X), ENGINE.outputs(of_two, X)[:, ::-1])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("0", "1", "2"), [0, 1, 2]),
        (("10", "9", "-3"), [-3, 9, 10]),
        (("0", "1", "two"), ["0", "1", "two"]),
        (("0", "1", "02"), ["0", "02", "1"]),
        (("1.0", "2.0", "3.0"), ["1.0", "2.0", "3.0"]),
        (("1", "2", "9" * 30), ["1", "2", "9" * 30]),
    ],
)
def test_names_that_are_whole_numbers_become_numbers(names, expected):
    network = Network.initial(features=5, hidden=3, classes=3)
    theirs = convert.to_sklearn(Model.of(network, class_names=names))
    assert theirs.classes_.tolist() == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_model_of_pixels_takes_the_same_bytes(dtype):
    network = Network.initial(features=5, hidden=(4, 3), classes=3, dtype=dtype)
    rows = RNG.integers(0, 256, (40, 5), dtype=np.uint8)
    rtol = 1e-4 if dtype == np.float32 else 1e-10
    of_pixels = Model.of(network, scaling=1 / 255)
    expected = ENGINE.outputs(of_pixels, rows)
    for theirs in (convert.to_sklearn(of_pixels), convert.to_sklearn(network, pixels=True)):
        for same in (rows, rows.astype(dtype), sparse.csr_matrix(rows)):
            np.testing.assert_allclose(theirs.predict_proba(same), expected, rtol=rtol)
    for theirs in (convert.to_sklearn(of_pixels, pixels=False), convert.to_sklearn(network)):
        np.testing.assert_allclose(theirs.predict_proba(rows / 255), expected, rtol=rtol)


@pytest.mark.parametrize("pixels", [False, True])
@pytest.mark.parametrize("labels", ["two classes", "classes", "booleans"])
def test_an_estimator_of_handgrad_hands_on_what_it_knows(labels, pixels):
    rows = RNG.integers(0, 100, (60, 5), dtype=np.uint8)
    ours = MLPClassifier(
        (6,), max_iter=5, random_state=3, pixels=pixels, alpha=0.5, solver="sgd", verbose=False
    ).fit(rows, TARGETS[labels])
    theirs = convert.to_sklearn(ours)
    rtol = 1e-4 if pixels else 1e-9
    np.testing.assert_allclose(theirs.predict_proba(rows), ours.predict_proba(rows), rtol=rtol)
    np.testing.assert_array_equal(theirs.classes_, ours.classes_)
    assert theirs.classes_.dtype == ours.classes_.dtype
    parameters = theirs.get_params()
    assert {n: v for n, v in ours.get_params().items() if n in parameters} == parameters
    assert (theirs.n_iter_, theirs.t_, theirs.loss_) == (ours.n_iter_, ours.t_, ours.loss_)
    assert theirs.loss_curve_ == ours.loss_curve_
    assert theirs.loss_curve_ is not ours.loss_curve_
    model = convert.from_sklearn(ours)
    np.testing.assert_array_equal(ENGINE.outputs(model, rows), ENGINE.outputs(ours.model(), rows))


@pytest.mark.parametrize("hidden", [(), (4, 3)])
@pytest.mark.parametrize("kind", ["labels", "sparse labels", "value", "values", "counts"])
def test_labels_and_values_of_an_estimator_of_handgrad_stay_the_same(kind, hidden):
    y = sparse.csr_matrix(TARGETS["labels"]) if kind == "sparse labels" else TARGETS[kind]
    options: dict[str, Any] = {
        "hidden_layer_sizes": hidden,
        "activation": "logistic",
        "max_iter": 4,
        "random_state": 2,
    }
    if "labels" in kind:
        ours = MLPClassifier(**options).fit(X, y)
    else:
        loss = "poisson" if kind == "counts" else "squared_error"
        ours = MLPRegressor(loss, **options).fit(X, y)
    theirs = convert.to_sklearn(ours)
    np.testing.assert_allclose(outputs_of(theirs, X), outputs_of(ours, X), rtol=1e-9)
    assert type(theirs.predict(X)) is type(ours.predict(X))
    assert theirs.predict(X).shape == ours.predict(X).shape
    np.testing.assert_allclose(theirs.score(X, y), ours.score(X, y))
    parameters = theirs.get_params()
    assert {n: v for n, v in ours.get_params().items() if n in parameters} == parameters
    assert theirs.loss_curve_ == ours.loss_curve_
    theirs.partial_fit(X, y)
    assert len(theirs.loss_curve_) == 5


def test_an_activation_of_no_layer_may_be_one_that_scikit_learn_lacks():
    ours = MLPClassifier((), "leaky_relu", max_iter=2).fit(X, TARGETS["classes"])
    theirs = convert.to_sklearn(ours)
    np.testing.assert_allclose(theirs.predict_proba(X), ours.predict_proba(X))
    theirs.partial_fit(X, TARGETS["classes"])


@pytest.mark.parametrize("options", [{"solver": "gd"}, {"verbose": "bar"}], ids=str)
def test_parameters_that_scikit_learn_lacks_are_left_out(options, capsys):
    ours = MLPClassifier((3,), max_iter=2, **options).fit(X, TARGETS["classes"])
    theirs = convert.to_sklearn(ours)
    assert (theirs.solver, theirs.verbose) == ("adam", False)
    theirs.partial_fit(X, TARGETS["classes"])
    capsys.readouterr()


def with_activations(*names: Any) -> Network:
    sizes = [Layer(np.ones((2, 2)), np.zeros((2, 1)), name) for name in (*names, "identity")]
    return Network.of_layers(sizes)


NETWORK = Network.initial(features=5, hidden=3, classes=3)


@pytest.mark.parametrize(
    ("network", "options", "words"),
    [
        (with_activations("leaky_relu"), {}, "leaky_relu, which scikit-learn does not know"),
        (with_activations("relu", "tanh"), {}, "activations relu,tanh; expected one for all"),
        (Network.initial(features=2, classes=1), {}, "knows one class; expected two"),
        (NETWORK, {"classes": ["a", "b"]}, "2 labels of which 2 differ; expected 3"),
        (NETWORK, {"classes": ["a", "b", "b"]}, "3 labels of which 2 differ; expected 3"),
        (NETWORK, {"classes": [["a", "b", "c"]]}, "expected 3 different ones"),
        (NETWORK, {"classes": np.array(["a", 1, None], object)}, "no order"),
        (NETWORK, {"classes": [0.5, 1.5, 2.0]}, "scikit-learn refuses the classes"),
        (NETWORK, {"classes": 3}, "expected 3 different ones"),
        (NETWORK, {"pixels": "yes"}, "pixels is 'yes'; expected True, False or None"),
        (
            Network.initial(features=2, classes=2, output="identity"),
            {"classes": [0, 1]},
            "the network predicts values; expected none",
        ),
        (
            Network.initial(features=2, classes=2, output="logistic"),
            {"classes": [0, 1]},
            "the network predicts labels; expected none",
        ),
        (
            NETWORK.with_parameters(a * np.float32(np.nan) for a in NETWORK.parameters),
            {},
            "Layer 1 holds weights that are NaN or infinite",
        ),
        (None, {}, "NoneType of builtins cannot be converted"),
        (neural_network.MLPClassifier(), {}, "cannot be converted to scikit-learn"),
    ],
)
def test_networks_that_scikit_learn_lacks_are_refused(network, options, words):
    with pytest.raises(ConversionError, match=words):
        convert.to_sklearn(network, **options)


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (neural_network.MLPClassifier(), "MLPClassifier is not fitted"),
        (neural_network.MLPRegressor(), "MLPRegressor is not fitted"),
        (neural_network.BernoulliRBM(), "BernoulliRBM of sklearn.* cannot become a model"),
        (neural_network.MLPClassifier, "cannot become a model"),
        (NETWORK, "Network of handgrad.network cannot become a model"),
        (None, "NoneType of builtins cannot become a model"),
    ],
)
def test_other_estimators_are_refused(estimator, words):
    with pytest.raises(ConversionError, match=words):
        convert.from_sklearn(estimator)


def test_a_classifier_of_one_class_is_refused():
    theirs = neural_network.MLPClassifier(max_iter=1).fit(X, np.zeros(60))
    with pytest.raises(ConversionError, match="knows 1 class; expected two or more"):
        convert.from_sklearn(theirs)


def test_weights_that_are_not_finite_are_refused():
    theirs = fitted("classes")
    theirs.intercepts_[1][0] = np.inf
    with pytest.raises(ConversionError, match="Layer 2 holds weights that are NaN or infinite"):
        convert.from_sklearn(theirs)


def test_an_estimator_of_handgrad_that_is_not_fitted_is_refused():
    for function in (convert.from_sklearn, convert.to_sklearn):
        with pytest.raises(NotFittedError):
            function(MLPClassifier())
