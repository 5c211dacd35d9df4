"""A script that changes its import line alone gets the same: MLPClassifier and scikit-learn's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from estimator.peers import ATTRIBUTES, assert_same
from handgrad import MLPClassifier
from labelled import SOURCES, cancer, digits_8x8, mnist_5k

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BOTH = (MLPClassifier, neural_network.MLPClassifier)


def fitted(X, y, **options):
    """Return ours and scikit-learn's, from the same initial values and order of rows."""
    options = {"random_state": 3, "max_iter": 4} | options
    return [kind(**options).fit(X, y) for kind in BOTH]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "options",
    [
        {"solver": "adam"},
        {"solver": "adam", "alpha": 0.0, "batch_size": 64, "shuffle": False},
        {"solver": "adam", "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
        {"solver": "sgd", "learning_rate_init": 0.05},
        {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False},
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.2, "batch_size": 100},
        {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1, "alpha": 0.1},
        {"solver": "sgd", "momentum": 1.0, "learning_rate_init": 0.001},
    ],
    ids=str,
)
def test_epochs_follow_scikit_learn(source, options):
    X, y = SOURCES[source]()
    ours, theirs = fitted(X, y, hidden_layer_sizes=(20,), **options)
    assert_same(ours, theirs)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("source", [mnist_5k, digits_8x8])
def test_epochs_of_the_default_network_follow_in_float32_too(source, solver):
    X, y = source()
    ours, theirs = fitted(X.astype(np.float32), y, solver=solver)
    assert {array.dtype for array in ours.coefs_ + ours.intercepts_} == {np.dtype(np.float32)}
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-3)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=0.01)


@pytest.mark.parametrize("source", SOURCES)
def test_lbfgs_reaches_the_loss_of_scikit_learn(source):
    X, y = SOURCES[source]()
    # Later, rounding alone leads the two to different minima.
    ours, theirs = fitted(X, y, hidden_layer_sizes=(8,), solver="lbfgs", max_iter=50)
    assert abs(ours.loss_ - theirs.loss_) < 1e-3
    for name in ATTRIBUTES:
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("schedule", ["constant", "adaptive"])
@pytest.mark.parametrize("source", [cancer, digits_8x8])
def test_a_run_ends_and_says_so_where_that_of_scikit_learn_does(
    source, early_stopping, schedule, capsys
):
    X, y = source()
    printed, models = [], []
    for kind in BOTH:
        model = kind(
            (5,),
            random_state=3,
            solver="sgd",
            learning_rate=schedule,
            learning_rate_init=0.2,
            tol=0.002,
            n_iter_no_change=3,
            max_iter=300,
            early_stopping=early_stopping,
            validation_fraction=0.2,
            verbose=True,
        )
        models.append(model.fit(X, y))
        printed.append(capsys.readouterr().out)
    assert models[0].n_iter_ < 300
    assert_same(*models)
    assert printed[0] == printed[1]
    assert "Stopping." in printed[0]
    assert ("Setting learning rate" in printed[0]) == (schedule == "adaptive")


def test_weights_of_samples_count_in_early_stopping_too():
    X, y = cancer()
    models = [kind((5,), early_stopping=True, random_state=0, max_iter=60) for kind in BOTH]
    for model in models:
        model.fit(X, y, np.arange(len(y)) % 3 + 1.0)
    assert_same(*models)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", ["constant", "invscaling", "adaptive"])
def test_partial_fit_follows_scikit_learn(solver, schedule, capsys):
    X, y = digits_8x8()
    models, printed = [], []
    for kind in BOTH:
        model = kind(
            (9,),
            solver=solver,
            learning_rate=schedule,
            learning_rate_init=0.05,
            tol=0.3,
            n_iter_no_change=1,
            random_state=1,
            verbose=True,
        )
        for part in range(12):
            rows = slice(400 * (part % 4), 400 * (part % 4) + 400)
            classes = np.arange(10) if part in (0, 5) else None
            weights = None if part % 2 else np.linspace(1, 2, 400)
            model.partial_fit(X[rows], y[rows], weights, classes=classes)
        models.append(model)
        printed.append(capsys.readouterr().out)
    assert_same(*models)
    assert printed[0] == printed[1]
    assert "Training loss did not improve more than tol=0.300000 for 1 consec" in printed[0]


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_continues_from_fit_as_in_scikit_learn(solver):
    X, y = cancer()
    models = [kind((5,), solver=solver, max_iter=5, random_state=1) for kind in BOTH]
    for model in models:
        model.fit(X, y).set_params(learning_rate_init=0.1)
        model.partial_fit(X[y == 1], y[y == 1]).partial_fit(sparse.csc_matrix(X), y)
    assert_same(*models)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_warm_starts_follow_scikit_learn(solver):
    X, y = digits_8x8()
    models = [
        kind((9,), solver=solver, random_state=1, warm_start=True, max_iter=12, tol=0.01)
        for kind in BOTH
    ]
    for model in models:
        model.fit(X, y).set_params(n_iter_no_change=2, tol=0.2).fit(X, y).fit(X, y)
    assert_same(*models)
    assert models[0].n_iter_ < 12


def test_a_warm_start_after_lbfgs_has_ended_takes_no_step():
    X, y = cancer()
    models = [kind((5,), solver="lbfgs", warm_start=True, random_state=0) for kind in BOTH]
    for model in models:
        model.fit(X, y).fit(X, y)
    assert models[0].n_iter_ == models[1].n_iter_ == 0
    np.testing.assert_allclose(models[0].loss_, models[1].loss_, atol=1e-4)


def test_weights_follow_scikit_learn():
    X, y = digits_8x8()
    weights = np.random.default_rng(0).random(len(y))
    models = [kind((9,), random_state=1, max_iter=3).fit(X, y, weights) for kind in BOTH]
    assert_same(*models)


@pytest.mark.parametrize(
    "options",
    [
        {"solver": "lbfgs", "early_stopping": True},  # means nothing there
        {"solver": "lbfgs", "max_fun": 7},
        {"n_iter_no_change": np.inf, "tol": 10.0, "max_iter": 20},
        {"hidden_layer_sizes": [3]},
        {"hidden_layer_sizes": np.int64(3)},
        {"random_state": np.random.RandomState(7)},
        {"batch_size": 1, "max_iter": 2},
    ],
    ids=str,
)
def test_parameters_mean_what_they_mean_in_scikit_learn(options):
    X, y = cancer()
    options = {"hidden_layer_sizes": (5,), "random_state": 0, "max_iter": 15} | options
    models = []
    for kind in BOTH:
        state = options["random_state"]
        if isinstance(state, np.random.RandomState):
            state = np.random.RandomState(7)
        models.append(kind(**options | {"random_state": state}).fit(X, y))
    assert models[0].n_iter_ == models[1].n_iter_
    np.testing.assert_allclose(models[0].loss_, models[1].loss_, rtol=1e-6)


@pytest.mark.parametrize(
    "labels",
    [
        lambda y: np.array(["no", "yes", "maybe"], dtype=object)[y],
        lambda y: np.array(["no", "yes", "maybe"])[y],
        lambda y: y > 0,
        lambda y: y - 1,
        lambda y: y.astype(np.float32),
        lambda y: y.astype(np.uint8),
        lambda y: np.array(["no", "yes", "maybe"])[y].tolist(),
        lambda y: y[:, None],
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_labels_are_those_of_scikit_learn(labels):
    X, y = load_iris(return_X_y=True)
    ours, theirs = fitted(X, labels(y), learning_rate_init=0.05)
    assert ours.classes_.dtype == theirs.classes_.dtype
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


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
        lambda kind, X, y: kind(solver="sgd", max_iter=2).fit(X, y),
        lambda kind, X, y: kind(max_iter=300, tol=1, n_iter_no_change=1).fit(X, y),
        lambda kind, X, y: kind(max_iter=2, batch_size=10_000).fit(X, y),
        lambda kind, X, y: kind(max_iter=2).fit(X, y[:, None]),
        lambda kind, X, y: kind(max_iter=1).fit(X, y).predict(X[:, :3]),
        lambda kind, X, _: kind().predict(X),
        lambda kind, X, _: kind().fit(X, None),
        lambda kind, X, y: kind().fit(X, y[:5]),
        lambda kind, X, y: kind().fit(X * np.nan, y),
        lambda kind, X, y: kind().fit(X, y, np.ones(3)),
        lambda kind, X, y: kind(alpha=-1).fit(X, y),
        lambda kind, X, y: kind(hidden_layer_sizes=-1).fit(X, y),
        lambda kind, X, y: kind(early_stopping=True, validation_fraction=0.002).fit(X, y),
        lambda kind, X, y: kind().partial_fit(X, y),
        lambda kind, X, y: kind(solver="lbfgs").partial_fit(X, y, classes=[0, 1]),
        lambda kind, X, y: kind(early_stopping=True).partial_fit(X, y, classes=[0, 1]),
        lambda kind, X, y: kind().partial_fit(X, y, classes=[0, 1]).partial_fit(X, y + 1),
        lambda kind, X, y: (
            kind().partial_fit(X, y, classes=[0, 1]).partial_fit(X, y, classes=[0, 2])
        ),
        lambda kind, X, y: kind(max_iter=1, warm_start=True).fit(X, y).fit(X, y * 2),
        lambda kind, X, y: kind(max_iter=1, warm_start=True).fit(X, y).fit(X[:, 1:], y),
        lambda kind, X, y: kind((3,), solver="sgd", learning_rate_init=1e300).fit(X * 1e6, y),
    ],
)
def test_warnings_and_errors_are_those_of_scikit_learn(act):
    X, y = cancer()
    ours, theirs = (said(lambda kind=kind: act(kind, X, y)) for kind in BOTH)
    assert ours == [what for what in theirs if what[0] is not RuntimeWarning]


def test_lbfgs_says_which_limit_it_reached():
    X, y = cancer()
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 5 iter") as caught:
        MLPClassifier(solver="lbfgs", max_iter=5).fit(X, y)
    assert "ITERATIONS REACHED LIMIT" in str(caught[0].message)
    assert "(max_iter=5)" in str(caught[0].message)
    assert caught[0].filename == __file__
    with pytest.warns(ConvergenceWarning, match="EVALUATIONS EXCEEDS LIMIT"):
        MLPClassifier(solver="lbfgs", max_fun=5).fit(X, y)


@pytest.mark.parametrize("load_set", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_scores_are_those_of_scikit_learn_or_better(load_set):
    X, y = load_set(return_X_y=True)
    scores = [
        cross_val_score(make_pipeline(StandardScaler(), kind((30,), random_state=0)), X, y, cv=5)
        for kind in BOTH
    ]
    assert scores[0].mean() >= scores[1].mean() - scores[1].std()
