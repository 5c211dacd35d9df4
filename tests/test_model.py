from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from handgrad import Network, notes
from handgrad.errors import ShapeError
from handgrad.model import Model

network = Network.initial(features=4, hidden=3, classes=2)


def model(**settings):
    return Model(*network.parameters, **{"class_names": ("a", "b")} | settings)


def test_a_model_is_a_network():
    X = np.ones((2, 4))
    np.testing.assert_array_equal(notes.forward(model(), X).A2, notes.forward(network, X).A2)


@pytest.mark.parametrize(
    "settings",
    [{"class_names": ("a",)}, {"class_names": ("a", "a")}, {"image_shape": (2, 3)}],
)
def test_names_and_shapes_that_do_not_fit_are_refused(settings):
    with pytest.raises(ShapeError, match="expected"):
        model(**settings)


def test_any_network_becomes_a_model_with_numbered_classes():
    assert Model.of(network).class_names == ("0", "1")
    named = model()
    assert Model.of(named) is named


def test_a_logistic_model_becomes_a_softmax_with_its_names():
    W1, b1, W2, b2 = network.parameters
    names: dict[str, Any] = {"class_names": ("a", "b"), "pixels": False, "label": "species"}
    logistic = Model(W1, b1, W2[1:], b2[1:], output="logistic", **names)
    softmax = logistic.as_softmax()
    assert (softmax.output, softmax.W2.shape) == ("softmax", W2.shape)
    assert {name: getattr(softmax, name) for name in names} == names
    assert softmax.as_softmax() is softmax


def test_a_model_of_pixels_refuses_pixels_that_nobody_scaled():
    pixels = np.array([[0, 100, 200, 255]])
    of_pixels = model(scaling=1 / 255)
    np.testing.assert_allclose(of_pixels.rows(pixels.astype(np.uint8)), pixels / 255, rtol=1e-6)
    np.testing.assert_allclose(of_pixels.rows(pixels / 255), pixels / 255, rtol=1e-6)
    with pytest.raises(ShapeError, match="expected uint8 from 0 to 255, or numbers from 0 to 1"):
        of_pixels.rows(pixels)
    np.testing.assert_array_equal(model().rows(pixels), pixels)
