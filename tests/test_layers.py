"""A layer is a value whose shapes belong together."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.errors import ShapeError
from handgrad.layers import ACTIVATIONS, Layer, activate, real_parameters, slope

sizes = st.integers(1, 6)


@given(outputs=sizes, inputs=sizes, dtype=st.sampled_from([np.float32, np.float64]))
def test_a_layer_holds_its_own_copies_and_nobody_changes_them(outputs, inputs, dtype):
    W = np.arange(outputs * inputs, dtype=dtype).reshape(outputs, inputs, order="F")
    b = np.ones((outputs, 1), dtype)
    layer = Layer(W, b, "relu")
    expected = W.copy()
    W[:] = -1
    np.testing.assert_array_equal(layer.W, expected)
    assert layer.W.dtype == layer.b.dtype == dtype
    assert layer.W.flags.c_contiguous
    for array in (layer.W, layer.b):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        layer.activation = "identity"  # type: ignore[misc]


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64])
def test_whole_numbers_become_float64(dtype):
    W, b = real_parameters(np.ones((2, 3), dtype), np.zeros((2, 1), dtype))
    assert W.dtype == b.dtype == np.float64


@pytest.mark.parametrize(
    ("W", "b", "words"),
    [
        ((3,), (3, 1), r"W2 has shape \(3,\); expected a matrix"),
        ((0, 3), (0, 1), "at least one row and column"),
        ((3, 0), (3, 1), "at least one row and column"),
        ((3, 2), (3,), r"b2 has shape \(3,\); expected \(3, 1\), since W2 has shape \(3, 2\)"),
        ((3, 2), (2, 1), r"expected \(3, 1\)"),
        ((3, 2), (1, 3), r"expected \(3, 1\)"),
    ],
)
def test_shapes_that_do_not_belong_together_are_refused(W, b, words):
    with pytest.raises(ShapeError, match=words):
        real_parameters(np.zeros(W), np.zeros(b), "2")


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble, complex, "U1", object])
def test_other_types_are_refused(dtype):
    with pytest.raises(ShapeError, match="expected float32 or float64"):
        real_parameters(np.zeros((1, 1), dtype), np.zeros((1, 1)))


@pytest.mark.parametrize("activation", ["foo", None, 3, np.array(["relu", "foo"])])
def test_an_unknown_activation_is_refused(activation):
    with pytest.raises(
        ShapeError, match=f"activation is .*; expected one of {', '.join(ACTIVATIONS)}"
    ):
        Layer(np.eye(2), np.zeros((2, 1)), activation)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_and_slopes_have_the_type_of_their_numbers_and_stay_finite(activation, dtype):
    largest = np.finfo(dtype).max
    Z = np.array([[-largest, -100, -1, 0, 1e-40, 1, 100, largest]], dtype)
    A = activate(Z, activation)
    slopes = slope(A, activation)
    for values in (A, slopes):
        assert values.dtype == dtype
        assert values.shape == Z.shape
        assert np.isfinite(values).all()
    assert (slopes >= 0).all()
    assert (np.diff(A) >= 0).all()
