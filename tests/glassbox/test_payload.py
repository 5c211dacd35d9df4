from __future__ import annotations

import base64
import json

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from handgrad import Layer, MLPClassifier, Network, data
from handgrad.errors import ShapeError
from handgrad.glassbox import payload as payload_module
from handgrad.glassbox.payload import (
    build_payload,
    check_shown,
    encode_network,
    pick_samples,
)
from handgrad.model import Model
from strategies import problems


def decoded(text, dtype, shape):
    return np.frombuffer(base64.b64decode(text), np.dtype(dtype).newbyteorder("<")).reshape(shape)


@given(problems())
def test_parameters_and_samples_come_back_bit_for_bit(problem):
    network, X, y = problem
    payload = json.loads(json.dumps(build_payload(network, X, y), allow_nan=False))
    model, samples = payload["model"], payload["samples"]
    assert (model["features"], model["hidden"], model["classes"]) == (
        network.D,
        network.H,
        network.K,
    )
    for name in ("W1", "b1", "W2", "b2"):
        value = getattr(network, name)
        np.testing.assert_array_equal(decoded(model[name], model["dtype"], value.shape), value)
    np.testing.assert_array_equal(decoded(samples["X"], samples["dtype"], X.shape), X)
    assert samples["y"] == y.tolist()
    assert samples["count"] == len(samples["names"]) == len(X)


@pytest.mark.parametrize(
    ("given_type", "kept"),
    [("uint8", "uint8"), ("float32", "float32"), ("float64", "float64"), ("int64", "float64"),
     ("bool", "float64"), (">f4", "float64"), ("float16", "float64")],
)  # fmt: skip
def test_rows_of_any_type_keep_their_values(given_type, kept):
    X = np.array([[0, 1], [1, 0]], dtype=given_type)
    samples = build_payload(Network.initial(features=2, hidden=1, classes=2), X)["samples"]
    assert samples["dtype"] == kept
    np.testing.assert_array_equal(decoded(samples["X"], samples["dtype"], (2, 2)), X.astype(float))
    assert samples["y"] is None


def test_sparse_rows_are_written_out():
    X = scipy.sparse.csr_array(np.array([[0, 2.5], [1.0, 0]]))
    samples = build_payload(Network.initial(features=2, hidden=1, classes=2), X, [0, 1])["samples"]
    np.testing.assert_array_equal(decoded(samples["X"], "float64", (2, 2)), [[0, 2.5], [1, 0]])


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 30))
def test_samples_are_spread_evenly_over_the_classes(labels, most):
    chosen = pick_samples(len(labels), labels, most)
    assert len(chosen) == len(set(chosen.tolist())) == min(most, len(labels))
    assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(chosen, pick_samples(len(labels), labels, most))
    counts, available = (
        np.bincount(np.array(labels)[chosen], minlength=5),
        np.bincount(labels, minlength=5),
    )
    unexhausted = counts[counts < available]
    if len(unexhausted):
        assert unexhausted.max() - unexhausted.min() <= 1
        assert counts.max() <= unexhausted.min() + 1


def test_500_digits_are_50_of_each():
    samples = data.load_samples("mnist-5k")
    assert samples.y is not None
    chosen = build_payload(Network.initial(), samples.X, samples.y)["samples"]
    assert np.bincount(chosen["y"]).tolist() == [50] * 10
    position = int(chosen["names"][-1])
    assert samples.y[position] == chosen["y"][-1]
    np.testing.assert_array_equal(
        decoded(chosen["X"], "uint8", (500, 784))[-1], samples.X[position]
    )


def test_wide_rows_take_no_more_than_the_page_can_hold(monkeypatch):
    monkeypatch.setattr(payload_module, "MOST_BYTES", 100)
    network = Network.initial(features=5, hidden=1, classes=2)
    assert build_payload(network, np.zeros((9, 5)))["samples"]["count"] == 2
    assert build_payload(network, np.zeros((9, 5), np.uint8))["samples"]["count"] == 9


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"hidden": 65, "classes": 2}, "65 hidden units.* at most 64"),
        ({"hidden": 2, "classes": 27}, "27 classes.* at most 26"),
    ],
)
def test_a_network_too_large_for_the_page_is_refused(sizes, message):
    with pytest.raises(ShapeError, match=message):
        build_payload(Network.initial(features=3, **sizes))


def test_two_classes_of_a_logistic_output_are_shown_as_their_softmax():
    network = Network([[1.0, 2.0]], [[0.0]], [[3.0]], [[4.0]], output="logistic")
    expected = build_payload(network.as_softmax(), np.eye(2), [0, 1])
    assert build_payload(network, np.eye(2), [0, 1]) == expected
    assert encode_network(network) == encode_network(network.as_softmax())
    assert expected["model"]["classes"] == 2


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"hidden": ()}, "has no hidden layer and a softmax output"),
        ({"hidden": (3, 3)}, "has 2 hidden layers of relu units and a softmax output"),
        ({"activation": "tanh"}, "has one hidden layer of tanh units and a softmax output"),
        ({"activation": "leaky_relu"}, "has one hidden layer of leaky_relu units"),
        ({"output": "logistic"}, "has one hidden layer of relu units and a logistic output"),
        ({"output": "identity"}, "and an identity output; look at it with handgrad trace"),
        ({"output": "exp"}, "and an exp output; look at it with handgrad trace"),
    ],
)
def test_a_network_that_the_page_does_not_show_is_refused_in_one_sentence(settings, found):
    network = Network.initial(**({"features": 2, "hidden": 3, "classes": 3} | settings))
    for refused in (network, Model.of(network)):
        with pytest.raises(ShapeError, match=found) as error:
            build_payload(refused)
        assert str(error.value).startswith("The page shows networks with one hidden layer of ReLU")
        for refuse in (check_shown, encode_network):  # the second sends a run's networks
            with pytest.raises(ShapeError, match=found):
                refuse(refused)


def test_layers_of_several_activations_are_all_named():
    layers = [
        Layer(np.eye(2), np.zeros((2, 1)), activation)
        for activation in ("tanh", "relu", "identity")
    ]
    with pytest.raises(ShapeError, match="2 hidden layers of tanh and relu units"):
        check_shown(Network.of_layers(layers))


def test_the_largest_network_is_not_refused():
    payload = build_payload(Network.initial(features=3, hidden=64, classes=26))
    assert payload["samples"]["count"] == 0


def test_a_model_tells_names_shape_and_training():
    network = Network.initial(features=4, hidden=3, classes=2)
    model = Model(
        *network.parameters,
        class_names=("cat", "dog"),
        image_shape=(2, 2),
        scaling=1 / 255,
        training={"learning_rate": 0.25, "test_accuracy": None, "cost": float("nan"), "at": (1,)},
    )
    payload = json.loads(json.dumps(build_payload(model), allow_nan=False))
    assert payload["model"]["class_names"] == ["cat", "dog"]
    assert payload["model"]["image_shape"] == [2, 2]
    assert payload["training"] == {
        "learning_rate": 0.25, "test_accuracy": None, "cost": None, "at": [1],
    }  # fmt: skip
    assert payload["learning_rate"] == 0.25


@pytest.mark.parametrize("told", ["fast", -1.0, float("inf"), None])
def test_a_learning_rate_that_makes_no_sense_is_replaced(told):
    network = Network.initial(features=4, hidden=3, classes=2)
    model = Model(*network.parameters, class_names=("a", "b"), training={"learning_rate": told})
    assert build_payload(model)["learning_rate"] == 0.1


def test_a_classifier_comes_with_the_names_of_its_features():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame({"width": [0.0, 1.0, 2.0] * 5, "height": [1.0, 0.0, 0.0] * 5})
    classifier = MLPClassifier((4,), solver="gd", max_iter=5, random_state=0)
    classifier.fit(X, ["low", "mid", "top"] * 5)
    payload = build_payload(classifier, X.to_numpy(), [0, 1, 2] * 5)
    assert payload["model"]["feature_names"] == ["width", "height"]
    assert payload["model"]["class_names"] == ["low", "mid", "top"]
    W1 = decoded(payload["model"]["W1"], payload["model"]["dtype"], (4, 2))
    np.testing.assert_array_equal(W1, classifier.coefs_[0].T)


def test_names_that_do_not_fit_are_refused():
    network = Network.initial(features=4, hidden=3, classes=2)
    with pytest.raises(ShapeError, match="feature_names holds 2 names; expected 4"):
        build_payload(network, feature_names=["a", "b"])


def test_pixels_of_pictures_are_not_called_by_the_names_of_their_columns():
    network = Network.initial(features=4, hidden=3, classes=2)
    names = ["pixel0", "pixel1", "pixel2", "pixel3"]
    payload = build_payload(network, image_shape=(2, 2), feature_names=names)
    assert payload["model"]["feature_names"] is None
    assert build_payload(network, feature_names=names)["model"]["feature_names"] == names


def test_an_image_shape_that_does_not_fit_is_left_out():
    network = Network.initial(features=4, hidden=3, classes=2)
    assert build_payload(network, image_shape=(2, 2))["model"]["image_shape"] == [2, 2]
    assert build_payload(network, image_shape=(3, 2))["model"]["image_shape"] is None


def test_bytes_that_are_numbers_go_as_numbers():
    network = Network.initial(features=4, hidden=3, classes=2)
    model = Model(*network.parameters, class_names=("a", "b"), pixels=False)
    X = np.array([[0, 1, 2, 255]], dtype=np.uint8)
    samples = build_payload(model, X, [0])["samples"]
    assert samples["dtype"] == "float32"
    np.testing.assert_array_equal(decoded(samples["X"], "float32", (1, 4)), X)
