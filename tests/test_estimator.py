"""MLPClassifier against scikit-learn's, and against scikit-learn's own checks of estimators."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context, neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from handgrad import MLPClassifier, data, load, save
from handgrad.__main__ import main
from handgrad.engines import available_engines

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ("adam", "sgd", "lbfgs", "gd")


@parametrize_with_checks(
    [
        MLPClassifier(max_iter=100),
        MLPClassifier(solver="lbfgs"),
        MLPClassifier((20,), solver="sgd", learning_rate_init=0.1, max_iter=100),
        MLPClassifier((20,), solver="gd", learning_rate_init=0.5, max_iter=300),
    ]
)
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


def fitted(X, y, **options):
    """Return ours and scikit-learn's, from the same initial values and order of rows."""
    options = {"random_state": 3, "max_iter": 4} | options
    ours = MLPClassifier(**options).fit(X, y)
    theirs = neural_network.MLPClassifier(**options).fit(X, y)
    return ours, theirs


def text():
    """Sparse text: the names of scikit-learn's bundled data sets' descriptions, by topic."""
    documents, topics = [], []
    for topic, load_set in enumerate((load_iris, load_wine, load_breast_cancer, load_digits)):
        for line in load_set().DESCR.splitlines():
            if line.strip():
                documents.append(line)
                topics.append(topic)
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit_transform(documents), topics


def mnist_5k():
    digits = data.load("mnist-5k")
    return digits.X_train / 255, digits.y_train


def digits_8x8():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


SOURCES = {"mnist-5k": mnist_5k, "digits": digits_8x8, "text": text, "two classes": cancer}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "options",
    [
        {"solver": "adam"},
        {"solver": "adam", "alpha": 0.0, "batch_size": 64, "shuffle": False},
        {"solver": "sgd", "learning_rate_init": 0.05},
        {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False},
        {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1, "alpha": 0.1},
    ],
    ids=str,
)
def test_epochs_follow_scikit_learn(source, options):
    X, y = SOURCES[source]()
    ours, theirs = fitted(X, y, hidden_layer_sizes=(20,), **options)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    for found, expected in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    np.testing.assert_allclose(ours.best_loss_, theirs.best_loss_, rtol=1e-6)


@pytest.mark.parametrize("source", SOURCES)
def test_lbfgs_reaches_the_loss_of_scikit_learn(source):
    X, y = SOURCES[source]()
    # Later, rounding alone leads the two to different minima.
    ours, theirs = fitted(X, y, hidden_layer_sizes=(8,), solver="lbfgs", max_iter=50)
    assert abs(ours.loss_ - theirs.loss_) < 1e-3
    assert ours.n_iter_ == theirs.n_iter_


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("schedule", ["constant", "adaptive"])
def test_a_run_ends_where_that_of_scikit_learn_ends(early_stopping, schedule):
    X, y = cancer()
    ours, theirs = fitted(
        X,
        y,
        hidden_layer_sizes=(5,),
        solver="sgd",
        learning_rate=schedule,
        learning_rate_init=0.2,
        tol=0.002,
        n_iter_no_change=3,
        max_iter=300,
        early_stopping=early_stopping,
    )
    assert ours.n_iter_ == theirs.n_iter_ < 300
    if early_stopping:
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_)
        np.testing.assert_allclose(ours.best_validation_score_, theirs.best_validation_score_)
        assert ours.best_loss_ is None
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-6)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_and_warm_start_follow_scikit_learn(solver):
    X, y = digits_8x8()
    models = [kind((9,), solver=solver, random_state=1, warm_start=False) for kind in BOTH]
    for model in models:
        for part in range(4):
            rows = slice(400 * part, 400 * part + 400)
            model.partial_fit(X[rows], y[rows], classes=np.arange(10) if part == 0 else None)
    np.testing.assert_allclose(models[0].coefs_[0], models[1].coefs_[0], atol=1e-6)
    assert models[0].t_ == models[1].t_
    models = [
        kind((9,), solver=solver, random_state=1, warm_start=True, max_iter=2) for kind in BOTH
    ]
    for model in models:
        model.fit(X, y).fit(X, y)
    np.testing.assert_allclose(models[0].loss_curve_, models[1].loss_curve_, rtol=1e-7)


BOTH = (MLPClassifier, neural_network.MLPClassifier)


def test_weights_follow_scikit_learn():
    X, y = digits_8x8()
    weights = np.random.default_rng(0).random(len(y))
    models = [kind((9,), random_state=1, max_iter=3).fit(X, y, weights) for kind in BOTH]
    np.testing.assert_allclose(models[0].coefs_[1], models[1].coefs_[1], atol=1e-6)


def test_class_weights_multiply_the_weights_of_samples():
    X, y = cancer()
    by_class = MLPClassifier((4,), random_state=0, max_iter=5, class_weight={0: 3, 1: 1}).fit(X, y)
    by_sample = MLPClassifier((4,), random_state=0, max_iter=5).fit(X, y, np.where(y == 0, 3, 1))
    np.testing.assert_array_equal(by_class.coefs_[0], by_sample.coefs_[0])
    balanced = MLPClassifier((4,), random_state=0, max_iter=5, class_weight="balanced").fit(X, y)
    assert not np.array_equal(balanced.coefs_[0], by_sample.coefs_[0])


@pytest.mark.parametrize("load_set", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_scores_are_those_of_scikit_learn_or_better(load_set):
    X, y = load_set(return_X_y=True)
    scores = [
        cross_val_score(make_pipeline(StandardScaler(), kind((30,), random_state=0)), X, y, cv=5)
        for kind in BOTH
    ]
    assert scores[0].mean() >= scores[1].mean() - scores[1].std()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"activation": "tanh"}, "expected 'relu'"),
        ({"hidden_layer_sizes": (10, 10)}, "one hidden layer"),
        ({"hidden_layer_sizes": 0}, "hidden_layer_sizes"),
        ({"solver": "newton"}, "solver"),
        ({"solver": "lbfgs", "early_stopping": True}, "early_stopping"),
        ({"early_stopping": True, "validation_fraction": 0.0005}, "validation set is too small"),
    ],
)
def test_what_the_network_cannot_do_is_refused(options, said):
    X, y = digits_8x8()
    with pytest.raises(ValueError, match=said):
        MLPClassifier(**options).fit(X, y)


def test_multilabel_targets_are_refused():
    with pytest.raises(ValueError, match="multilabel"):
        MLPClassifier().fit(np.ones((4, 2)), [[1, 0], [1, 1], [0, 1], [1, 0]])


def test_pixels_stay_bytes_and_are_scaled():
    digits = data.load("mnist-5k")
    X, y = digits.X_train[:500], digits.y_train[:500]
    pixels = MLPClassifier((10,), random_state=0, max_iter=3).fit(X, y)
    numbers = MLPClassifier((10,), random_state=0, max_iter=3).fit(
        X.astype(np.float32) / np.float32(255), y
    )
    assert pixels.coefs_[0].dtype == numbers.coefs_[0].dtype == np.float32
    np.testing.assert_allclose(pixels.coefs_[0], numbers.coefs_[0], atol=1e-5)
    with pytest.raises(ValueError, match="pixels"):
        pixels.predict(X.astype(float))
    np.testing.assert_array_equal(
        numbers.predict(X[: 0 + 5]), numbers.predict(X[:5].astype(np.float32))
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", SOLVERS)
def test_types_go_all_the_way_dense_and_sparse(dtype, solver):
    X, y = cancer()
    X = X.astype(dtype)
    X[np.abs(X) < 0.5] = 0
    options = {"hidden_layer_sizes": (4,), "solver": solver, "random_state": 0, "max_iter": 5}
    dense = MLPClassifier(**options).fit(X, y)
    sparse_rows = MLPClassifier(**options).fit(sparse.csr_matrix(X), y)
    assert dense.coefs_[0].dtype == dense.predict_proba(X).dtype == dtype
    np.testing.assert_allclose(dense.coefs_[0], sparse_rows.coefs_[0], atol=1e-3)


@pytest.mark.parametrize("engine", available_engines())
def test_engine_and_threads_can_be_chosen(engine):
    X, y = cancer()
    model = MLPClassifier((4,), engine=engine, n_threads=1, max_iter=5, random_state=0).fit(X, y)
    expected = MLPClassifier((4,), n_threads=3, max_iter=5, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0], expected.coefs_[0], atol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_sees_every_iteration_and_may_stop(solver):
    X, y = cancer()
    seen = []

    def watch(state):
        seen.append(state)
        return state.iteration >= 3

    model = MLPClassifier((4,), solver=solver, max_iter=10**6, on_iteration=watch, random_state=0)
    model.fit(X, y)
    assert model.n_iter_ == seen[-1].iteration >= 3
    assert len(model.loss_curve_) >= model.n_iter_ - 1
    assert model.history_.iteration[-1] == model.n_iter_
    assert model.history_.seconds == sorted(model.history_.seconds)
    if solver != "lbfgs":
        assert 0 <= model.history_.accuracy[-1] <= 1


def test_an_own_validation_set_takes_the_place_of_samples_held_out():
    X, y = cancer()
    model = MLPClassifier((4,), early_stopping=True, random_state=0, max_iter=30)
    model.fit(X[:400], y[:400], X_val=X[400:], y_val=y[400:])
    assert len(model.validation_scores_) == model.n_iter_
    np.testing.assert_allclose(model.score(X[400:], y[400:]), model.best_validation_score_)
    with pytest.raises(ValueError, match="both or neither"):
        model.fit(X, y, X_val=X)


def test_verbose_prints_or_draws(capsys):
    X, y = cancer()
    MLPClassifier((4,), verbose=True, max_iter=2, random_state=0).fit(X, y)
    assert "Iteration 2, loss = " in capsys.readouterr().out
    MLPClassifier((4,), verbose="bar", max_iter=2, random_state=0).fit(X, y)
    assert "Iteration" not in capsys.readouterr().out


def test_too_few_iterations_warn():
    X, y = cancer()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning, match="not converged"):
            MLPClassifier((4,), max_iter=2).fit(X, y)


def test_the_tools_of_scikit_learn_work(tmp_path):
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = MLPClassifier(random_state=0, learning_rate_init=0.05)
    pipeline = make_pipeline(StandardScaler(), model)
    search = GridSearchCV(pipeline, {"mlpclassifier__hidden_layer_sizes": [(3,), (12,)]}, n_jobs=2)
    assert search.fit(X, names).best_score_ > 0.9
    assert CalibratedClassifierCV(pipeline, cv=3).fit(X, names).score(X, names) > 0.9
    model = clone(pipeline).set_output(transform="pandas").fit(X, names)
    assert list(model[-1].feature_names_in_) == list(X.columns)
    assert "MLPClassifier" in model._repr_html_()
    np.testing.assert_allclose(np.log(model.predict_proba(X)), model.predict_log_proba(X))
    joblib.dump(model, tmp_path / "model.joblib")
    np.testing.assert_array_equal(
        joblib.load(tmp_path / "model.joblib").predict_proba(X), model.predict_proba(X)
    )
    again = pickle.loads(pickle.dumps(model))  # noqa: S301
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_sample_weight_is_routed():
    X, y = load_iris(return_X_y=True)
    weights = np.where(y == 0, 5.0, 1.0)
    with config_context(enable_metadata_routing=True):
        inner = MLPClassifier((5,), random_state=0, max_iter=5).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, inner).fit(X, y, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    plain = MLPClassifier((5,), random_state=0, max_iter=5).fit(scaled, y, weights)
    np.testing.assert_array_equal(routed[-1].coefs_[0], plain.coefs_[0])


def test_data_frames_of_polars_have_names_too():
    polars = pytest.importorskip("polars")
    X, y = load_iris(return_X_y=True, as_frame=True)
    frame = polars.DataFrame({name: X[name].to_numpy() for name in X})
    model = MLPClassifier((5,), random_state=0, max_iter=5).fit(frame, y)
    assert list(model.feature_names_in_) == list(X.columns)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("labels", ["numbers", "strings", "booleans"])
def test_a_file_keeps_the_estimator(tmp_path, solver, labels):
    X, y = cancer()
    y = {"numbers": y, "strings": np.array(["no", "yes"])[y], "booleans": y == 1}[labels]
    model = MLPClassifier((4,), solver=solver, max_iter=5, random_state=0).fit(X, y)
    save(model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert isinstance(again, MLPClassifier)
    assert again.get_params() == model.get_params()
    assert again.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    for name in ("loss_", "loss_curve_", "n_iter_", "t_", "n_features_in_", "best_loss_"):
        assert getattr(again, name) == getattr(model, name)
    again.set_params(warm_start=True).fit(X, y)


def test_the_command_line_takes_the_file_of_an_estimator(tmp_path, capsys):
    digits = data.load("mnist-5k")
    model = MLPClassifier((10,), max_iter=3, random_state=0).fit(digits.X_train, digits.y_train)
    save(model, tmp_path / "model.safetensors")
    with pytest.raises(SystemExit, match="0"):
        main(["evaluate", str(tmp_path / "model.safetensors"), "mnist-5k", "--json"])
    said = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(said["accuracy"], model.score(digits.X_test, digits.y_test))


def test_importing_handgrad_imports_neither_scikit_learn_nor_scipy_nor_pandas():
    program = (
        "import handgrad, sys;"
        "print(sorted({'sklearn', 'scipy', 'pandas', 'torch'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
