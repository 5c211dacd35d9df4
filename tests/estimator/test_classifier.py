"""What MLPClassifier offers beyond scikit-learn's, and what it takes to offer it."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from handgrad import MLPClassifier, get_engine, notes
from handgrad.engines import available_engines
from handgrad.estimator import reading
from handgrad.rows import values_of
from labelled import cancer, digits_8x8, mnist_5k

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


SOLVERS = ("adam", "sgd", "lbfgs", "gd")


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


def test_the_best_of_a_warm_start_is_not_lost():
    X, y = cancer()
    model = MLPClassifier((4,), early_stopping=True, warm_start=True, random_state=0)
    best = model.fit(X, y).best_validation_score_
    before = model.coefs_[0].copy()
    model.set_params(max_iter=1, learning_rate_init=10.0).fit(X, y)
    assert model.validation_scores_ is not None
    assert best is not None
    assert model.validation_scores_[-1] <= best == model.best_validation_score_
    np.testing.assert_array_equal(model.coefs_[0], before)


@pytest.mark.parametrize("engine", available_engines())
def test_engine_and_threads_can_be_chosen(engine, monkeypatch):
    X, y = cancer()
    asked = []

    def recording(name, *, threads):
        asked.append((name, threads))
        return get_engine(name, threads=threads)

    monkeypatch.setattr(reading, "get_engine", recording)
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

        def outputs(self, network, X):
            given.append(X)
            assert network.dtype == wanted
            return engine.outputs(network, X)

    monkeypatch.setattr(reading, "get_engine", lambda *_name, **_threads: Recorder())
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
