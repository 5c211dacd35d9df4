"""What MLPClassifier has beyond scikit-learn's, and what it refuses."""

from __future__ import annotations

import io
import subprocess
import sys
import tracemalloc
from contextlib import nullcontext
from dataclasses import astuple
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import rich.console
from scipy import sparse
from sklearn.utils.class_weight import compute_sample_weight

from handgrad import MLPClassifier, get_engine, load, notes, save
from handgrad.engines import available_engines
from handgrad.estimator import base
from handgrad.rows import values_of
from handgrad.solvers import Driver
from labelled import cancer, digits_8x8, mnist_5k

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ("adam", "sgd", "lbfgs", "gd")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"activation": "tanh"}, "activation is 'tanh'; .* rectified: expected 'relu'"),
        ({"activation": "tanh"}, r"or sklearn\.neural_network\.MLPClassifier, which has"),
        ({"hidden_layer_sizes": (10, 10)}, r"or sklearn\.neural_network\.MLPClassifier, which"),
        ({"activation": "logistic"}, "expected 'relu'"),
        ({"activation": "identity"}, "expected 'relu'"),
        ({"hidden_layer_sizes": (10, 10)}, r"is \(10, 10\); the network has one hidden layer"),
        ({"hidden_layer_sizes": ()}, "one hidden layer: expected one number"),
        ({"hidden_layer_sizes": (5.5,)}, "expected a whole number above 0"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes must be > 0"),
        ({"hidden_layer_sizes": 0}, "hidden_layer_sizes"),
        ({"solver": "newton"}, "solver"),
        ({"early_stopping": True, "validation_fraction": 0.0005}, "validation set is too small"),
        ({"class_weight": {10: 2.0}}, "not in class_weight"),
        ({"class_weight": "equal"}, "class_weight"),
        ({"verbose": "loud"}, "verbose"),
        ({"engine": "gpu"}, "engine"),
        ({"n_threads": 0}, "n_threads"),
        ({"on_iteration": 3}, "on_iteration"),
    ],
    ids=str,
)
def test_what_the_network_cannot_do_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        MLPClassifier(**options).fit(*digits_8x8())


@pytest.mark.parametrize("as_targets", [np.array, list, sparse.csr_matrix])
def test_multilabel_and_one_hot_targets_are_refused_with_the_way_on(as_targets):
    with pytest.raises(ValueError, match=r"multilabel.*sklearn\.neural_network\.MLPClassifier"):
        MLPClassifier().fit(np.ones((4, 2)), as_targets([[1, 0], [1, 1], [0, 1], [1, 0]]))
    with pytest.raises(ValueError, match=r"one-hot.*hand over y\.argmax\(axis=1\)"):
        MLPClassifier().fit(np.ones((3, 2)), as_targets([[1, 0, 0], [0, 0, 1], [0, 1, 0]]))


@pytest.mark.parametrize(
    "X",
    [
        [[1.0, 2.0], ["ant", 3.0]],
        [["ant", 1.0], [2.0, 3.0]],
        np.array([[1, 2], ["ant", 3]]),
        np.array([[1, 2], [3, "ant"]], dtype=object),
        pd.DataFrame({"legs": [1, 2], "name": ["ant", 3]}),
    ],
    ids=str,
)
def test_a_text_among_the_rows_is_named(X):
    with pytest.raises(ValueError, match="ant"):
        MLPClassifier().fit(X, [0, 1])


def test_the_class_that_has_too_few_samples_to_hold_out_is_named():
    X, y = np.eye(40), ["common"] * 39 + ["rare"]
    with pytest.raises(ValueError, match="rare"):
        MLPClassifier(early_stopping=True).fit(X, y)


def test_negative_weights_are_refused():
    X, y = cancer()
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        MLPClassifier().fit(X, y, np.full(len(y), -1))


def test_gd_is_the_descent_of_the_notes():
    X, y = digits_8x8()
    model = MLPClassifier((6,), solver="gd", learning_rate_init=0.5, alpha=0, max_iter=1)
    network = model.set_params(random_state=4).fit(X, y).network()
    model.set_params(warm_start=True, max_iter=8).fit(X, y)
    costs = []
    for _ in range(8):
        costs.append(notes.cost(network, X, y))
        gradient = notes.backward(network, X, y, notes.forward(network, X))
        network = notes.descend(network, gradient, learning_rate=0.5)
    np.testing.assert_allclose(model.loss_curve_[1:], costs)
    np.testing.assert_allclose(model.coefs_[0], network.W1.T, atol=1e-12)
    assert model.n_iter_ == 8


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    "class_weight", ["balanced", {"benign": 3.0}, {"benign": 0.5, "malignant": 2}]
)
def test_class_weights_multiply_the_weights_of_samples(solver, class_weight):
    X, y = cancer()
    y = np.array(["malignant", "benign"])[y]
    weights = np.linspace(0.5, 2, len(y))
    options = {"hidden_layer_sizes": (4,), "solver": solver, "random_state": 0, "max_iter": 5}
    by_class = MLPClassifier(class_weight=class_weight, **options).fit(X, y, weights)
    product = weights * compute_sample_weight(class_weight, y)
    by_sample = MLPClassifier(**options).fit(X, y, product)
    np.testing.assert_array_equal(by_class.coefs_[0], by_sample.coefs_[0])
    plain = MLPClassifier(**options).fit(X, y, weights)
    assert not np.array_equal(by_class.coefs_[0], plain.coefs_[0])


def test_class_weights_hold_in_parts_that_lack_a_class():
    X, y = digits_8x8()
    few = y < 5
    by_class = MLPClassifier((4,), random_state=0, class_weight={2: 3.0, 7: 4.0})
    by_class.partial_fit(X[few], y[few], classes=range(10))
    by_sample = MLPClassifier((4,), random_state=0)
    weights = np.where(y == 2, 3.0, 1.0)
    by_sample.partial_fit(X[few], y[few], weights[few], classes=range(10))
    np.testing.assert_array_equal(by_class.coefs_[0], by_sample.coefs_[0])
    with pytest.raises(ValueError, match="as a dict, not 'balanced'"):
        by_class.set_params(class_weight="balanced").partial_fit(X, y)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_weight_of_two_is_the_sample_twice(solver):
    X, y = cancer()
    options = {"solver": solver, "random_state": 0, "max_iter": 5, "batch_size": 2 * len(y)}
    with pytest.warns(UserWarning, match="clipped") if solver in ("adam", "sgd") else nullcontext():
        weighted = MLPClassifier((4,), **options).fit(X, y, np.full(len(y), 2.0))
    doubled = MLPClassifier((4,), **options).fit(np.vstack([X, X]), np.append(y, y))
    np.testing.assert_allclose(weighted.coefs_[0], doubled.coefs_[0], atol=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
def test_history_has_cost_accuracy_and_time_of_every_iteration(solver):
    X, y = cancer()
    model = MLPClassifier((4,), solver=solver, max_iter=30, warm_start=True, random_state=0)
    model.fit(X, y)
    first = model.n_iter_
    model.fit(X, y)
    history = model.history_
    assert history.cost == model.loss_curve_
    assert history.iteration == list(range(1, first + model.n_iter_ + 1))
    assert {len(column) for column in astuple(history)} == {first + model.n_iter_}
    assert history.seconds == sorted(history.seconds)
    assert all(0 <= accuracy <= 1 for accuracy in history.accuracy)
    if solver == "lbfgs":
        assert history.accuracy[-1] == model.score(X, y)


@pytest.mark.parametrize("engine", available_engines())
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_sees_every_iteration_and_may_stop(solver, engine):
    X, y = cancer()
    seen = []

    def watch(state):
        seen.append(state)
        return state.iteration == 3

    options = {"solver": solver, "engine": engine, "random_state": 0}
    model = MLPClassifier((4,), on_iteration=watch, max_iter=10**6, **options).fit(X, y)
    assert [state.iteration for state in seen] == [1, 2, 3]
    assert model.n_iter_ == 3
    assert [state.cost for state in seen] == model.loss_curve_ == model.history_.cost
    assert [state.accuracy for state in seen] == model.history_.accuracy
    np.testing.assert_array_equal(seen[-1].network.W1.T, model.coefs_[0])
    alone = MLPClassifier((4,), max_iter=3, **options).fit(X, y)
    np.testing.assert_array_equal(alone.coefs_[0], model.coefs_[0])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_interrupted_run_keeps_what_it_has_reached(solver, early_stopping):
    X, y = cancer()

    def interrupt(state):
        if state.iteration == 3:
            raise KeyboardInterrupt

    options = {"solver": solver, "random_state": 0, "early_stopping": early_stopping}
    model = MLPClassifier((4,), on_iteration=interrupt, max_iter=50, **options)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, y)
    expected = MLPClassifier((4,), max_iter=3, **options).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])
    assert (model.n_iter_, model.loss_, model.t_) == (3, expected.loss_, expected.t_)
    assert model.loss_curve_ == expected.loss_curve_


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_that_fails_leaves_the_network_of_its_iteration(solver, tmp_path):
    X, y = cancer()

    def fail(state):
        if state.iteration == 2:
            raise ZeroDivisionError

    options = {"solver": solver, "random_state": 0}
    model = MLPClassifier((4,), on_iteration=fail, max_iter=5, **options)
    with pytest.raises(ZeroDivisionError):
        model.fit(X, y)
    expected = MLPClassifier((4,), max_iter=2, **options).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])
    assert (model.n_iter_, model.loss_) == (2, expected.loss_)
    save(model, tmp_path / "model.safetensors")


def test_a_run_interrupted_before_its_first_iteration_is_saved(monkeypatch, tmp_path):
    X, y = cancer()
    interrupt = mock.Mock(side_effect=KeyboardInterrupt)
    monkeypatch.setattr("handgrad.estimator.base.fit_network", interrupt)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model = MLPClassifier((4,), random_state=0).fit(X, y)
    save(model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert (again.n_iter_, hasattr(again, "loss_")) == (model.n_iter_, False) == (0, False)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_rows_that_hold_themselves_are_refused():
    rows = []
    rows.append(rows)
    with pytest.raises(ValueError, match="dimension"):
        MLPClassifier().fit(rows, [0])


def test_an_interrupted_descent_that_nobody_watches_keeps_its_last_report(monkeypatch):
    X, y = cancer()
    measured = Driver.measured

    def interrupt(self, progress):
        measured(self, progress)
        if len(progress.costs) >= 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(Driver, "measured", interrupt)
    model = MLPClassifier((4,), solver="gd", engine="reference", max_iter=9, random_state=0)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == len(model.history_.cost) == 3


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_an_own_validation_set_takes_the_place_of_samples_held_out(solver):
    X, y = cancer()
    y = np.array(["malignant", "benign"])[y]
    model = MLPClassifier((4,), solver=solver, early_stopping=True, random_state=0, max_iter=30)
    model.fit(X[:400], y[:400], X_val=X[400:], y_val=y[400:])
    assert len(model.validation_scores_) == model.n_iter_
    assert model.t_ == 400 * model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.score(X[400:], y[400:]) == model.best_validation_score_


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_own_validation_set_is_scored_after_each_iteration(solver):
    X, y = cancer()
    options = {"solver": solver, "random_state": 0, "max_iter": 6}
    model = MLPClassifier((4,), **options).fit(X, y, X_val=X[::2], y_val=y[::2].tolist())
    alone = MLPClassifier((4,), **options).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], alone.coefs_[0])
    assert len(model.validation_scores_) == 6
    assert model.validation_scores_[-1] == model.score(X[::2], y[::2])
    assert alone.validation_scores_ is None


def test_a_validation_set_that_does_not_fit_is_refused():
    X, y = cancer()
    model = MLPClassifier((4,), max_iter=2)
    with pytest.raises(ValueError, match="both or neither"):
        model.fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y, X_val=X, y_val=y[:3])
    with pytest.raises(ValueError, match="expecting 30 features"):
        model.fit(X, y, X_val=X[:, 1:], y_val=y)
    model.fit(X, y, X_val=X, y_val=np.full(len(y), 7))  # unseen in training: predicted wrong
    assert model.validation_scores_ == [0, 0]


def test_the_best_of_a_warm_start_is_not_lost():
    X, y = cancer()
    model = MLPClassifier((4,), early_stopping=True, warm_start=True, random_state=0)
    best = model.fit(X, y).best_validation_score_
    before = model.coefs_[0].copy()
    model.set_params(max_iter=1, learning_rate_init=10.0).fit(X, y)
    assert model.validation_scores_[-1] <= best == model.best_validation_score_
    np.testing.assert_array_equal(model.coefs_[0], before)


@pytest.mark.parametrize("solver", SOLVERS)
def test_verbose_prints_every_iteration(solver, capsys):
    X, y = cancer()
    model = MLPClassifier((4,), solver=solver, verbose=1, max_iter=3, random_state=0).fit(X, y)
    lines = [f"Iteration {i}, loss = {cost:.8f}" for i, cost in enumerate(model.loss_curve_, 1)]
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_bar_is_drawn_on_standard_error(solver, capsys, monkeypatch):
    drawn, made = io.StringIO(), []
    console = rich.console.Console

    def on_a_terminal(*, stderr):
        made.append(stderr)
        return console(file=drawn, force_terminal=True)

    monkeypatch.setattr(rich.console, "Console", on_a_terminal)
    X, y = cancer()
    model = MLPClassifier((4,), solver=solver, verbose="bar", max_iter=2, random_state=0)
    model.fit(X, y)
    assert made == [True]
    assert "cost" in drawn.getvalue()
    assert "100%" in drawn.getvalue()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("engine", available_engines())
def test_engine_and_threads_can_be_chosen(engine, monkeypatch):
    X, y = cancer()
    asked = []

    def recording(name, *, threads):
        asked.append((name, threads))
        return get_engine(name, threads=threads)

    monkeypatch.setattr(base, "get_engine", recording)
    model = MLPClassifier((4,), engine=engine, n_threads=1, max_iter=5, random_state=0).fit(X, y)
    assert set(asked) == {(engine, 1)}
    expected = MLPClassifier((4,), engine=engine, n_threads=3, max_iter=5, random_state=0)
    np.testing.assert_array_equal(model.coefs_[0], expected.fit(X, y).coefs_[0])
    other = MLPClassifier((4,), max_iter=5, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0], other.coefs_[0], atol=1e-9)


def rows_of(kind, dtype):
    X, y = mnist_5k()
    X = np.rint(X * 255).astype(np.uint8) if dtype == np.uint8 else X.astype(dtype)
    return (sparse.csr_matrix(X) if kind == "csr" else X), y


@pytest.mark.parametrize("kind", ["dense", "csr"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.filterwarnings("ignore:X holds uint8 numbers")
def test_the_engine_is_handed_the_rows_themselves(kind, dtype, solver, monkeypatch):
    X, y = rows_of(kind, dtype)
    engine, given = get_engine(), []
    wanted = np.float32 if dtype == np.float32 else np.float64

    class Recorder:
        """An engine that notes which rows it was given."""

        name = engine.name

        def session(self, X, *rest):
            given.append(X)
            return engine.session(X, *rest)

        def predict_proba(self, network, X):
            given.append(X)
            assert network.dtype == wanted
            return engine.predict_proba(network, X)

    monkeypatch.setattr(base, "get_engine", lambda *_name, **_threads: Recorder())
    model = MLPClassifier((3,), solver=solver, max_iter=2, random_state=0)
    model.fit(X, y, X_val=X, y_val=y).predict_proba(X)
    assert len(given) >= 3
    values = X.data if kind == "csr" else X
    for rows in given:
        found = values_of(rows)
        assert found.dtype == dtype
        assert np.shares_memory(found, values)
    assert model.coefs_[0].dtype == wanted


@pytest.mark.parametrize("kind", ["dense", "csr"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", SOLVERS)
def test_types_go_all_the_way(kind, dtype, solver):
    X, y = rows_of(kind, dtype)
    model = MLPClassifier((4,), solver=solver, random_state=0, max_iter=2).fit(X[:900], y[:900])
    for array in (*model.coefs_, *model.intercepts_, model.predict_proba(X), *_numbers(model)):
        assert array.dtype == dtype
    dense = MLPClassifier((4,), solver=solver, random_state=0, max_iter=2)
    dense.fit(rows_of("dense", dtype)[0][:900], y[:900])
    np.testing.assert_allclose(model.coefs_[0], dense.coefs_[0], atol=1e-4)


def _numbers(model):
    moments = model._memory.moments  # noqa: SLF001
    return [] if moments is None else [*moments.first, *moments.second]


@pytest.mark.parametrize("kind", ["dense", "csr"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.filterwarnings("ignore:X holds uint8 numbers")
def test_python_takes_less_memory_than_a_copy_of_the_rows(kind, dtype, solver):
    X, y = rows_of(kind, dtype)
    copy_in_float64 = 8 * (X.nnz if kind == "csr" else X.size)
    model = MLPClassifier((3,), solver=solver, max_iter=2, random_state=0)
    MLPClassifier((3,), solver=solver, max_iter=1).fit(X[:50], y[:50])  # imports what it needs
    tracemalloc.start()
    model.fit(X, y).predict(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < copy_in_float64 / 4


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
def test_the_process_takes_less_memory_than_a_copy_in_float64():
    program = """
import resource, warnings
import numpy as np
from handgrad import MLPClassifier
warnings.simplefilter("ignore")
def fit(X):
    MLPClassifier((2,), max_iter=1, n_threads=1, random_state=0).fit(X, np.arange(len(X)) % 3)
X = np.random.default_rng(0).integers(0, 256, (12_000, 4_000), dtype=np.uint8)
fit(X[:300])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
fit(X)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / X.nbytes)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert float(run.stdout) < 3  # a copy in float64 takes 8


def test_importing_handgrad_imports_neither_scikit_learn_nor_scipy_nor_pandas():
    program = (
        "import handgrad, sys;"
        "heavy = {'sklearn', 'scipy', 'pandas', 'polars', 'torch', 'matplotlib', 'joblib'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_the_classifier_asks_for_scikit_learn_where_it_is_missing():
    program = """
import sys
sys.modules["sklearn"] = None
import handgrad
try:
    handgrad.MLPClassifier
except ImportError as error:
    print(error)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "install handgrad with the extra 'sklearn'" in run.stdout
