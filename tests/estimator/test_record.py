"""What a fit records, shows, and keeps when it is stopped."""

from __future__ import annotations

import io
from dataclasses import astuple
from typing import Any
from unittest import mock

import numpy as np
import pytest
import rich.console

from handgrad import MLPClassifier, load, save
from handgrad.engines import available_engines
from handgrad.solvers import Driver, Iteration
from labelled import cancer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


SOLVERS = ("adam", "sgd", "lbfgs", "gd")


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
def test_a_callback_sees_the_softmax_that_the_classifier_returns(solver):
    X, y = cancer()
    seen: list[Iteration] = []
    model = MLPClassifier((4,), solver=solver, on_iteration=seen.append, max_iter=2, random_state=0)
    expected = model.fit(X, y).network()
    assert {state.network.output for state in seen} == {"softmax"}
    for array, found in zip(expected.parameters, seen[-1].network.parameters, strict=True):
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_callback_can_read_the_scores_so_far(early_stopping):
    X, y = cancer()
    seen: list[tuple[int, bool]] = []

    def watch(_state):
        scores = model.validation_scores_
        assert scores is not None
        best = model.best_validation_score_ if early_stopping else max(scores)
        seen.append((len(scores), best == max(scores)))

    options: dict[str, Any] = {"early_stopping": early_stopping, "max_iter": 3, "random_state": 0}
    model = MLPClassifier((4,), on_iteration=watch, **options)
    model.fit(X, y, X_val=X[:50], y_val=y[:50])
    assert seen == [(1, True), (2, True), (3, True)]


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_can_read_the_history_so_far(solver):
    X, y = cancer()
    seen = []

    def watch(state):
        seen.append(model.loss_curve_[-1] == model.history_.cost[-1] == state.cost)

    model = MLPClassifier((4,), solver=solver, on_iteration=watch, max_iter=3, random_state=0)
    model.fit(X, y)
    assert seen == [True, True, True]


def test_a_warm_start_after_a_failed_callback_must_beat_the_best_score():
    X, y = cancer()

    def fail(_state):
        raise ZeroDivisionError

    options: dict[str, Any] = {
        "early_stopping": True,
        "warm_start": True,
        "max_iter": 1,
        "random_state": 0,
    }
    model = MLPClassifier((4,), on_iteration=fail, **options)
    with pytest.raises(ZeroDivisionError):
        model.fit(X, y)
    best, before = model.best_validation_score_, model.coefs_[0]
    wrong = y.max() - model.predict(X)  # no label of these is predicted right
    model.set_params(on_iteration=None, learning_rate_init=1e-9).fit(X, y, X_val=X, y_val=wrong)
    assert model.validation_scores_ == [best, 0.0]
    assert model.best_validation_score_ == best
    np.testing.assert_array_equal(model.coefs_[0], before)


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
    monkeypatch.setattr("handgrad.estimator.training.fit_network", interrupt)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model = MLPClassifier((4,), random_state=0).fit(X, y)
    save(model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert (again.n_iter_, hasattr(again, "loss_")) == (model.n_iter_, False) == (0, False)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


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
