"""Parameters that change between two calls mean what they mean in scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import neural_network

import handgrad
from estimator.odd_input import LABELS, VALUES, X, Y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CASES = [("MLPClassifier", Y), ("MLPClassifier", LABELS), ("MLPRegressor", np.abs(VALUES))]
CHANGES = [
    {"activation": "tanh"},
    {"alpha": 1.0},
    {"batch_size": 7},
    {"learning_rate_init": 0.5},
    {"random_state": 7},
    {"shuffle": False},
    {"max_iter": 3},
    {"solver": "sgd", "momentum": 0.5},
    {"solver": "lbfgs"},
]


def fitted(name, y, **options):
    """Return ours and scikit-learn's."""
    sizes = {"hidden_layer_sizes": (6, 4), "random_state": 0, "max_iter": 8}
    return [
        getattr(module, name)(**sizes | options).fit(X, y) for module in (handgrad, neural_network)
    ]


def outputs(model):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@pytest.mark.parametrize(("name", "y"), CASES)
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_the_next_fit_uses_them(name, y, change):
    for warm_start in (False, True):
        ours, theirs = fitted(name, y, warm_start=warm_start)
        for model in (ours, theirs):
            model.set_params(**change).fit(X, y)
        np.testing.assert_allclose(outputs(ours), outputs(theirs), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("name", "y"), CASES)
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_predictions_use_them(name, y, change):
    ours, theirs = fitted(name, y)
    for model in (ours, theirs):
        model.set_params(**change)
    np.testing.assert_allclose(outputs(ours), outputs(theirs), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("name", "y"), CASES)
@pytest.mark.parametrize("sizes", [(6,), (), (6, 4, 4)])
def test_other_layers_cannot_continue(name, y, sizes):
    for model in fitted(name, y, warm_start=True):
        model.set_params(hidden_layer_sizes=sizes)
        with pytest.raises((ValueError, IndexError, AttributeError, TypeError)) as raised:
            model.fit(X, y)
        if type(model).__module__.startswith("handgrad"):
            assert str(raised.value) == (
                f"hidden_layer_sizes is {sizes}, but warm_start and partial_fit continue with the "
                "network of the last fit, whose sizes are (6, 4); expected these."
            )


@pytest.mark.parametrize(("name", "y"), CASES)
def test_layers_of_other_sizes_are_left_as_they_are_with_a_warning(name, y):
    ours, theirs = fitted(name, y)
    theirs.set_params(hidden_layer_sizes=(3, 3)).partial_fit(X, y)
    with pytest.warns(UserWarning, match=r"whose sizes are \(6, 4\)") as caught:
        ours.set_params(hidden_layer_sizes=(3, 3)).partial_fit(X, y)
    assert caught[0].filename == __file__
    np.testing.assert_allclose(outputs(ours), outputs(theirs), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_another_loss_is_left_out_with_a_warning(method):
    y = np.abs(VALUES)
    ours, same = (fitted("MLPRegressor", y, warm_start=True)[0] for _ in range(2))
    with pytest.warns(UserWarning, match="last fit, whose loss is 'squared_error'") as caught:
        getattr(ours.set_params(loss="poisson"), method)(X, y)
    assert caught[0].filename == __file__
    getattr(same, method)(X, y)
    np.testing.assert_array_equal(outputs(ours), outputs(same))
    with pytest.warns(UserWarning, match="whose loss"):
        assert ours.partial_fit(X, y).loss_ == same.partial_fit(X, y).loss_
