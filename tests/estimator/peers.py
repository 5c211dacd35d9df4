"""Fits of ours and of scikit-learn's, and everything that both say of themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import neural_network

import handgrad

ATTRIBUTES = ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_")
FIGURES = ("loss_", "best_loss_", "loss_curve_", "validation_scores_", "best_validation_score_")


def both(name: str) -> tuple[Any, Any]:
    """Return our class of that name and scikit-learn's."""
    return getattr(handgrad, name), getattr(neural_network, name)


def assert_same(ours: Any, theirs: Any, tolerance: float = 1e-6) -> None:
    """Compare all that both estimators say of themselves."""
    assert hasattr(ours, "classes_") == hasattr(theirs, "classes_")
    for name in (*ATTRIBUTES, *(["classes_"] if hasattr(ours, "classes_") else [])):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), name)
    for name in FIGURES:
        found, expected = getattr(ours, name), getattr(theirs, name, None)
        if expected is None:
            assert found is None or not hasattr(theirs, name), name
        else:
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=1e-10, err_msg=name)
    pairs = zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True)
    for found, expected in pairs:
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=10 * tolerance)
