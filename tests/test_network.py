from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import Network
from handgrad.errors import ShapeError
from handgrad.rows import Bytes

sizes = st.integers(1, 20)


def arrays(D=3, H=2, K=4, dtype=np.float64):
    shapes = {"W1": (H, D), "b1": (H, 1), "W2": (K, H), "b2": (K, 1)}
    return {name: np.ones(shape, dtype) for name, shape in shapes.items()}


@given(D=sizes, H=sizes, K=sizes, dtype=st.sampled_from([np.float32, np.float64]))
def test_a_network_knows_its_sizes_and_type(D, H, K, dtype):
    network = Network(**arrays(D, H, K, dtype))
    assert (network.D, network.H, network.K, network.dtype) == (D, H, K, dtype)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("W1", (3,)),
        ("W1", (0, 3)),
        ("W1", (2, 0)),
        ("b1", (2,)),
        ("b1", (1, 2)),
        ("W2", (2, 4)),
        ("W2", (4, 2, 1)),
        ("b2", (4,)),
        ("b2", (3, 1)),
    ],
)
def test_shapes_that_do_not_belong_together_are_refused(name, shape):
    with pytest.raises(ShapeError, match="expected"):
        Network(**arrays() | {name: np.ones(shape)})


@pytest.mark.parametrize("dtype", [np.complex128, np.float16, object, "U3"])
def test_a_type_other_than_single_or_double_precision_is_refused(dtype):
    with pytest.raises(ShapeError, match="expected float32 or float64"):
        Network(**arrays() | {"W2": np.ones((4, 2)).astype(dtype)})


def test_mixed_types_become_the_wider_one_and_integers_become_float64():
    assert Network(**arrays(dtype=np.float32) | {"b1": np.ones((2, 1))}).dtype == np.float64
    assert Network(**arrays(dtype=np.int64)).dtype == np.float64


def test_a_network_is_a_value():
    given = arrays()
    network = Network(**given)
    given["W1"][0, 0] = 99
    assert network.W1[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        network.W1[0, 0] = 2
    with pytest.raises(AttributeError):
        network.W1 = given["W1"]  # type: ignore[misc]


@pytest.mark.parametrize(
    "W1", [None, [[1.0, 2.0, 3.0], [1.0]], np.ma.masked_equal(np.ones((2, 3)), 1)], ids=type
)
def test_parameters_that_are_not_arrays_of_numbers_are_refused(W1):
    with pytest.raises(ShapeError, match=r"W1 .*expected"):
        Network(**arrays() | {"W1": W1})


def test_pixels_are_scaled_where_they_are_used():
    network = Network.initial(features=3, hidden=1, classes=2, dtype=np.float64)
    pixels = np.array([[0, 51, 255]], dtype=np.uint8)
    assert network.rows(pixels) == pytest.approx(np.array([[0, 0.2, 1]]), rel=1e-15)
    assert np.array_equal(network.rows(pixels.astype(np.int64)), pixels)


class Counting(Network):
    """Bytes are numbers like any others."""

    byte_scale = 1.0


def test_a_network_may_take_bytes_as_numbers():
    network = Counting(**arrays())
    bytes_ = np.array([[0, 51, 255]], dtype=np.uint8)
    assert np.array_equal(network.rows(bytes_), [[0.0, 51.0, 255.0]])
    found = network.check_rows(bytes_)
    assert isinstance(found, Bytes)
    assert found.scale == 1
    scaled: Any = Bytes(bytes_, 0.5)
    assert network.check_rows(scaled).scale == 0.5
    assert network.check_rows(bytes_.astype(np.int16)).dtype == np.int16
    assert Network(**arrays()).check_rows(bytes_) is bytes_


def test_rows_that_fit_are_not_copied():
    X = np.ones((5, 3), dtype=np.float32)
    assert Network.initial(features=3).rows(X) is X


def test_samples_as_columns_are_refused_with_an_error_that_says_so():
    with pytest.raises(ShapeError, match=r"samples as columns.*pass X\.T"):
        Network.initial().rows(np.ones((784, 60)))


@pytest.mark.parametrize("shape", [(784,), (5, 783), (5, 28, 28), ()])
def test_rows_of_another_shape_are_refused(shape):
    with pytest.raises(ShapeError, match="samples are rows"):
        Network.initial().rows(np.ones(shape))


@pytest.mark.parametrize("X", [np.ones((1, 784), complex), np.full((1, 784), "a")])
def test_rows_that_are_not_real_numbers_are_refused(X):
    with pytest.raises(ShapeError, match="expected real numbers"):
        Network.initial().rows(X)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([0, 1], r"expected \(3,\)"),
        ([[0], [1], [1]], r"expected \(3,\)"),
        ([[1, 0], [0, 1], [0, 1]], "one-hot"),
        ([0, 1, 2], "from 0 to 1"),
        ([0, -1, 1], "from 0 to 1"),
        ([0.0, 1.0, 1.0], "expected integers"),
        (["a", "b", "b"], "expected integers"),
    ],
)
def test_labels_that_are_not_classes_of_the_network_are_refused(y, words):
    with pytest.raises(ShapeError, match=words):
        Network.initial(classes=2).labels(y, m=3)


def test_no_samples_are_refused_as_labels():
    with pytest.raises(ShapeError, match="at least one"):
        Network.initial().labels(np.zeros(0, int), m=0)
