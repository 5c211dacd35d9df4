"""The outputs and their losses: against SciPy, far from 0, and in both types."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy import special

from handgrad.network import OUTPUTS
from handgrad.outputs import apply_output, losses, output_gradient, predicted, predicted_right
from strategies import layered_problems

Z = np.random.default_rng(0).normal(size=(3, 40))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("softmax", special.softmax(Z, axis=0)),
        ("logistic", special.expit(Z)),
        ("identity", Z),
        ("exp", np.exp(Z)),
    ],
)
def test_outputs_are_those_of_scipy_in_the_type_of_the_logits(output, expected, dtype):
    found = apply_output(Z.astype(dtype), output)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=1e-12 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("output", OUTPUTS)
def test_losses_are_at_least_0_and_0_where_the_prediction_is_the_target(output):
    y = np.array([2, 0]) if output == "softmax" else np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
    logits = {
        "softmax": np.array([[-900.0, 900], [0, 0], [900, -900]]),
        "logistic": np.where(y.T > 0, 900.0, -900.0) if output == "logistic" else None,
        "identity": y.T,
        "exp": np.where(y.T > 0, 0.0, -900.0) if output == "exp" else None,
    }[output]
    assert logits is not None
    np.testing.assert_array_equal(losses(logits, y, output), [0, 0])
    random = np.random.default_rng(1)
    y = random.integers(3, size=40) if output == "softmax" else random.integers(2, size=(40, 3))
    assert (losses(Z, y, output) > 0).all()


def test_losses_far_from_0_are_those_of_exact_arithmetic():
    far = np.array([[5000.0, -5000.0, 5000.0]])
    assert losses(far, np.array([0, 1, 1]), "logistic").tolist() == [5000, 5000, 0]
    assert losses(far, np.array([[1.0]] * 3), "exp")[1] == 4999  # 0 + 5000 − 1 + 0
    assert np.isposinf(losses(far, np.array([[1.0]] * 3), "exp")[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("output", OUTPUTS)
def test_the_gradient_of_the_logits_has_their_type(output, dtype):
    A = apply_output(Z.astype(dtype), output)
    y = np.zeros(40, int) if output == "softmax" else np.zeros((40, 3))
    assert output_gradient(A, y, output).dtype == dtype


@given(problem=layered_problems())
def test_a_sample_is_right_if_all_that_is_predicted_is(problem):
    network, _, y = problem
    y = network.targets(y, len(y))
    draw = np.random.default_rng(len(y)).normal(size=(network.K, len(y)))
    A = apply_output(draw, network.output)
    found = predicted(A, network.output)
    assert found.shape == y.shape
    right = predicted_right(A, y, network.output)
    expected = [bool(np.all(mine == true)) for mine, true in zip(found, y, strict=True)]
    assert right.tolist() == expected
    assert predicted_right(A, found, network.output).all()
