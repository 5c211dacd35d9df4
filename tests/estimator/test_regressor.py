"""MLPRegressor and scikit-learn's."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import neural_network
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from estimator.peers import assert_same, both
from handgrad import MLPRegressor
from handgrad.engines import available_engines

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BOTH = both("MLPRegressor")
SOLVERS = ("adam", "sgd", "lbfgs", "gd")


def diabetes(values: int = 1) -> tuple[Any, Any]:
    X, y = load_diabetes(return_X_y=True)
    y = y / 100
    return X * 20, y if values == 1 else np.column_stack([y / k for k in range(1, values + 1)])


# Other solvers are checked in test_conventions.py and test_scikit_learn_checks.py.
@parametrize_with_checks([MLPRegressor(solver="gd", learning_rate_init=0.05, max_iter=100)])
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


@pytest.mark.parametrize("engine", available_engines())
@pytest.mark.parametrize("values", [1, 3])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize(
    "options",
    [
        {"solver": "adam"},
        {"solver": "adam", "early_stopping": True},
        {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False},
        {"solver": "sgd", "early_stopping": True, "learning_rate": "adaptive"},
        {"solver": "lbfgs"},
    ],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_fits_follow_scikit_learn(options, loss, values, weighted, engine):
    X, y = diabetes(values)
    weights = np.arange(len(y)) % 3 + 0.5 if weighted else None
    options = {"loss": loss, "hidden_layer_sizes": (7, 5), "activation": "tanh"} | options
    options |= {"random_state": 3, "max_iter": 8}
    ours = BOTH[0](engine=engine, **options).fit(X, y, weights)
    theirs = BOTH[1](**options).fit(X, y, weights)
    if options["solver"] == "lbfgs":
        np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-6)
    else:
        assert_same(ours, theirs)
    found, expected = ours.predict(X), theirs.predict(X)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(ours.score(X, y, weights), theirs.score(X, y, weights), atol=1e-9)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_and_warm_starts_follow_scikit_learn(solver, capsys):
    X, y = diabetes()
    printed, models = [], []
    for kind in BOTH:
        model = kind(hidden_layer_sizes=(6,), solver=solver, random_state=1, max_iter=4)
        model.set_params(warm_start=True, verbose=True, tol=0.5, n_iter_no_change=1)
        model.fit(X, y).fit(X[:200], y[:200]).partial_fit(X, y).partial_fit(X[200:], y[200:])
        models.append(model)
        printed.append(capsys.readouterr().out)
    assert_same(*models)
    assert printed[0] == printed[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", SOLVERS)
def test_types_go_all_the_way(dtype, solver):
    X, y = diabetes()
    model = MLPRegressor(hidden_layer_sizes=(4,), solver=solver, max_iter=2, random_state=0)
    model.fit(X.astype(dtype), y)
    assert {array.dtype for array in (*model.coefs_, model.predict(X))} == {np.dtype(dtype)}


@pytest.mark.parametrize(
    "targets",
    [
        lambda y: (y * 100).astype(int),
        lambda y: y.astype(np.float32),
        lambda y: y.astype(object),
        lambda y: y.tolist(),
        lambda y: pd.Series(y),
        lambda y: pd.DataFrame({"one": y, "two": -y}),
        lambda y: y > 1.5,
    ],
)
def test_targets_are_those_of_scikit_learn(targets):
    X, y = diabetes()
    options: dict[str, Any] = {"hidden_layer_sizes": (5,), "random_state": 0, "max_iter": 3}
    for early_stopping in (False, True):
        ours, theirs = (
            kind(early_stopping=early_stopping, **options).fit(X, targets(y)) for kind in BOTH
        )
        assert_same(ours, theirs)


def test_a_linear_model_of_counts_is_that_of_poisson_regression():
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 4))
    y = random.poisson(np.exp(X @ [0.3, -0.2, 0.1, 0] + 1))
    model = MLPRegressor("poisson", (), solver="lbfgs", alpha=0, tol=1e-8, random_state=0).fit(X, y)
    expected = PoissonRegressor(alpha=0, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0].ravel(), expected.coef_, atol=1e-4)
    assert model.network().output == "exp"
    assert (model.predict(X) > 0).all()


def said(action):
    """Return the warnings of an action, and the error that it ends with."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            action()
        except (ValueError, AttributeError) as error:
            return [(type(error), str(error))]
        return [(warning.category, str(warning.message)) for warning in caught]


@pytest.mark.parametrize(
    "act",
    [
        lambda kind, X, y: kind(max_iter=2).fit(X, y),
        lambda kind, X, y: kind(max_iter=2).fit(X, y[:, None]),
        lambda kind, X, y: kind(max_iter=2, batch_size=10_000).fit(X, y),
        lambda kind, X, _: kind().fit(X, None),
        lambda kind, X, y: kind().fit(X, y[:5]),
        lambda kind, X, y: kind().fit(X, np.where(y > 2, np.nan, y)),
        lambda kind, X, y: kind().fit(X, np.where(y > 2, np.inf, y)),
        lambda kind, X, y: kind("absolute_error").fit(X, y),
        lambda kind, X, y: kind(hidden_layer_sizes=(3, 0)).fit(X, y),
        lambda kind, X, y: kind(early_stopping=True, validation_fraction=0.002).fit(X, y),
        lambda kind, X, y: kind(early_stopping=True).partial_fit(X, y),
        lambda kind, X, y: kind(max_iter=1).fit(X, y).predict(X[:, :3]),
        lambda kind, X, y: kind(solver="sgd", learning_rate_init=1e300).fit(X * 1e6, y),
    ],
)
def test_warnings_and_errors_are_those_of_scikit_learn(act):
    X, y = diabetes()
    ours, theirs = (said(lambda kind=kind: act(kind, X, y)) for kind in BOTH)
    assert ours == [what for what in theirs if what[0] is not RuntimeWarning]


@pytest.mark.parametrize(
    ("options", "y", "error"),
    [
        ({"loss": "poisson"}, [1.0, -1.0], r"y holds -1.*loss='poisson'.*0 or more"),
        ({}, ["a", "b"], "y holds .* expected numbers|could not convert string"),
        ({}, [1j, 2], "Complex data not supported"),
    ],
)
def test_targets_that_are_not_values_are_refused(options, y, error):
    with pytest.raises(ValueError, match=error):
        MLPRegressor(**options).fit([[0.0], [1.0]], y)


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (pd.DataFrame({"width": [1.0, 2.0], "height": [3.0, 5.0]}), ("width", "height")),
        (pd.Series([1.0, 2.0], name="price"), ("price",)),
        (pd.Series([1.0, 2.0]), ("0",)),
        (pd.DataFrame([[1.0, 2.0], [2.0, 1.0]]), ("0", "1")),
        (np.eye(2), ("0", "1")),
    ],
)
def test_values_are_called_as_in_the_data_frame(y, names):
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(np.eye(2), y).model()
    assert model.class_names == names


def test_a_later_fit_must_have_as_many_values():
    X, y = diabetes(2)
    model = MLPRegressor(max_iter=1, warm_start=True, random_state=0).fit(X, y)
    for act in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="y has 1 values per sample; expected 2"):
            act(X, y[:, 0])


def test_a_run_that_diverges_keeps_its_best_network_as_in_scikit_learn():
    X, y = diabetes()
    options: dict[str, Any] = {"activation": "identity", "solver": "sgd", "max_iter": 25}
    options |= {"learning_rate_init": 1, "early_stopping": True, "random_state": 0}
    ours, theirs = (kind(**options) for kind in BOTH)
    ours.fit(X * 20, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        theirs.fit(X * 20, y)
    assert ours.n_iter_ == theirs.n_iter_ == 25
    assert np.isnan(ours.validation_scores_[-1])
    assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6)


def test_partial_fit_is_only_there_for_solvers_of_batches():
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")
    assert not hasattr(MLPRegressor(solver="gd"), "partial_fit")


def test_it_works_among_scikit_learns_tools():
    X, y = diabetes()
    scores = []
    for kind in BOTH:
        inner = kind(hidden_layer_sizes=(20,), random_state=0, max_iter=60)
        model = TransformedTargetRegressor(
            make_pipeline(StandardScaler(), inner), transformer=StandardScaler()
        )
        scores.append(cross_val_score(model, X, y, cv=3, error_score="raise"))
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)


def test_parameters_have_the_names_and_defaults_of_scikit_learn():
    expected = neural_network.MLPRegressor().get_params()
    found = MLPRegressor().get_params()
    assert {name: found[name] for name in expected} == expected
    names = list(MLPRegressor.__init__.__annotations__)
    order = [
        name
        for name in neural_network.MLPRegressor.__init__.__code__.co_varnames
        if name in expected
    ]
    assert [name for name in names if name in expected] == order
