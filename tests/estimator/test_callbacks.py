"""The callbacks of scikit-learn, from its version 1.9 on."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from handgrad import MLPClassifier, MLPRegressor
from labelled import cancer

callback = pytest.importorskip("sklearn.callback")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ("adam", "sgd", "lbfgs", "gd")
X, y = cancer()


class Recorder:
    """Records all calls."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.heard: list[tuple[str, str, int]] = []
        self.fitted: list[Any] = []
        self.given: list[Any] = []
        self.stop_at = stop_at

    def setup(self, estimator: Any, context: Any) -> None:  # noqa: ARG002
        self.heard.append(("setup", context.task_name, context.task_id))

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:  # noqa: ARG002
        self.heard.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(
        self,
        estimator: Any,  # noqa: ARG002
        context: Any,
        *,
        X: Any,
        y: Any,
        metadata: Any,
        fitted_estimator: Any,
    ) -> bool:
        self.heard.append(("end", context.task_name, context.task_id))
        self.fitted.append(fitted_estimator)
        self.given.append((X, y, metadata))
        return bool(context.task_name == "iteration" and context.task_id + 1 == self.stop_at)

    def teardown(self, estimator: Any, context: Any) -> None:  # noqa: ARG002
        self.heard.append(("teardown", context.task_name, context.task_id))


def model(**options: Any) -> MLPClassifier:
    return MLPClassifier((4,), **{"random_state": 0, "max_iter": 3} | options)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_fit_is_a_task_and_each_iteration_one_within_it(solver):
    recorder, weights = Recorder(), np.ones(len(y))
    watched = model(solver=solver).set_callbacks(recorder).fit(X, y, weights)
    iterations = [(what, "iteration", number) for number in range(3) for what in ("begin", "end")]
    assert recorder.heard == [
        ("setup", "fit", 0),
        ("begin", "fit", 0),
        *iterations,
        ("end", "fit", 0),
        ("teardown", "fit", 0),
    ]
    assert all(given[0] is X and given[1] is y for given in recorder.given)
    assert recorder.given[0][2] == {"sample_weight": weights}
    plain = model(solver=solver).fit(X, y, weights)
    np.testing.assert_array_equal(watched.coefs_[0], plain.coefs_[0])
    for number, fitted in enumerate(recorder.fitted[:-1], start=1):
        expected = model(solver=solver, max_iter=number).fit(X, y, weights)
        np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))
        assert fitted.n_iter_ == number


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_may_end_the_fit(solver):
    recorder = Recorder(stop_at=2)
    watched = model(solver=solver, max_iter=9).set_callbacks(recorder).fit(X, y)
    assert watched.n_iter_ == 2
    assert recorder.heard[-2:] == [("end", "fit", 0), ("teardown", "fit", 0)]


def test_a_fit_that_ends_by_itself_ends_all_its_tasks():
    recorder = Recorder()
    model(max_iter=99, tol=1.0, n_iter_no_change=2).set_callbacks(recorder).fit(X, y)
    begun, ended = (sum(what == name for what, _, _ in recorder.heard) for name in ("begin", "end"))
    assert begun == ended < 99
    assert recorder.heard[-1] == ("teardown", "fit", 0)


def test_a_fit_that_fails_tears_down_its_callbacks():
    recorder = Recorder()
    with pytest.raises(ValueError, match="inconsistent"):
        model().set_callbacks(recorder).fit(X, y[:3])
    assert recorder.heard[-1] == ("teardown", "fit", 0)


def test_partial_fit_is_a_task_of_one_iteration():
    recorder = Recorder()
    model().set_callbacks(recorder).partial_fit(X, y, classes=[0, 1])
    assert [name for what, name, _ in recorder.heard if what == "end"] == ["iteration", "fit"]


def test_on_iteration_is_called_beside_them():
    recorder = Recorder()
    seen: list[Any] = []
    model(on_iteration=seen.append).set_callbacks(recorder).fit(X, y)
    assert len(seen) == 3


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_scikit_learns_monitor_scores_each_iteration(kind):
    monitor = callback.ScoringMonitor(scoring="r2" if kind is MLPRegressor else "accuracy")
    fitted = kind(max_iter=4, random_state=0).set_callbacks(monitor).fit(X, y)
    rows = monitor.get_logs().data
    name = "r2" if kind is MLPRegressor else "accuracy"
    assert [row[name] for row in rows if row["task_name"] == "fit"] == [fitted.score(X, y)]
    scores = [row[name] for row in rows if row["task_name"] == "iteration"]
    assert len(scores) == 4
    assert scores[-1] == fitted.score(X, y)


def test_scikit_learns_bar_shows_a_fit_in_a_pipeline(capsys):
    pytest.importorskip("rich")
    pipeline = make_pipeline(StandardScaler(), model(max_iter=5))
    pipeline.set_callbacks(callback.ProgressBar()).fit(X, y)
    assert "MLPClassifier" in capsys.readouterr().out


def test_a_clone_has_the_parameters_and_no_trace_of_a_fit():
    watched = model().set_callbacks(Recorder()).fit(X, y)
    assert not hasattr(clone(watched), "coefs_")


def test_an_earlier_scikit_learn_has_no_callbacks():
    program = """
import sys
import sklearn.metrics, sklearn.model_selection, sklearn.preprocessing
sys.modules["sklearn.callback"] = None
import handgrad, numpy as np
X, y = np.eye(6), [0, 1] * 3
model = handgrad.MLPClassifier((3,), solver="lbfgs", random_state=0).fit(X, y)
print(hasattr(model, "set_callbacks"), model.score(X, y))
"""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "1.0"]
