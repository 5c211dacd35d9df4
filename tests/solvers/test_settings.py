"""A solver and its settings as one value: defaults, ranges, and what belongs to which solver."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from handgrad import Network, get_engine, solvers
from handgrad.engines import Adam, Sgd
from handgrad.errors import HandgradError, MissingPackageError, TrainingError
from handgrad.solvers import SOLVERS, Training, train
from handgrad.solvers.settings import DEFAULTS
from solvers.irises import X, assert_same_network, y


def test_the_usual_training_is_that_of_the_notes():
    assert Training().settings == {
        "solver": "gd",
        "iterations": 500,
        "learning_rate": 0.1,
        "alpha": 0.0,
        "seed": 0,
    }


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_solver_takes_its_settings_and_no_other(solver):
    own = DEFAULTS[solver]
    assert Training(solver, **own) == Training(solver)
    for other in SOLVERS:
        for name in DEFAULTS[other].keys() - own.keys():
            with pytest.raises(TrainingError, match=rf"{solver} takes no {name}, .* {other}"):
                Training(solver, **{name: DEFAULTS[other][name]})


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "newton"},
        {"solver": None},
        {"iterations": 0},
        {"iterations": 10**9 + 1},
        {"iterations": 1.5},
        {"learning_rate": 0.0},
        {"learning_rate": np.nan},
        {"alpha": -1.0},
        {"seed": -1},
        {"solver": "sgd", "epochs": 0},
        {"solver": "sgd", "batch_size": 0},
        {"solver": "sgd", "momentum": 1.5},
        {"solver": "sgd", "seed": 2**32},
        {"solver": "sgd", "nesterov": 0.5},
        {"solver": "adam", "learning_rate": -1.0},
        {"solver": "lbfgs", "tol": -1.0},
        {"solver": "lbfgs", "tol": np.inf},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(HandgradError, match="expected"):
        Training(**settings)


def test_training_is_the_solver_as_a_function(engine, network):
    rule = Sgd(0.05, momentum=0.9, nesterov=True)
    expected = {
        "gd": solvers.gd(engine, network, X, y, iterations=9, alpha=0.5),
        "sgd": solvers.sgd(engine, network, X, y, rule=rule, batch_size=40, epochs=9, seed=3),
        "adam": solvers.adam(engine, network, X, y, rule=Adam(0.01), batch_size=40, epochs=9),
        "lbfgs": solvers.lbfgs(engine, network, X, y, iterations=9, tol=1e-3),
    }
    given: dict[str, dict[str, Any]] = {
        "gd": {"iterations": 9, "alpha": 0.5},
        "sgd": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "seed": 3},
        "adam": {"learning_rate": 0.01},
        "lbfgs": {"iterations": 9, "tol": 1e-3},
    }
    for solver in SOLVERS:
        batches: dict[str, Any] = (
            {"epochs": 9, "batch_size": 40} if solver in ("sgd", "adam") else {}
        )
        run = train(network, X, y, engine=engine, solver=solver, **batches, **given[solver])
        assert_same_network(run.network, expected[solver].network, tolerance=0)
        np.testing.assert_array_equal(run.costs, expected[solver].costs)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_run_that_diverges_says_what_to_do(solver):
    network = Network.initial(features=4, hidden=5, classes=3)
    with pytest.raises(TrainingError, match="features to about 1"):
        train(network, X * 1e38, y, engine=get_engine(), solver=solver)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_a_stopped_run_keeps_the_network_of_the_lowest_cost(engine, network, solver):
    seen = []

    def watch(progress):
        seen.append(progress.network)
        return len(seen) == 7

    run = train(network, X, y, engine=engine, solver=solver, on_progress=watch)
    assert (run.stopped, run.iterations) == (True, 7)
    assert_same_network(run.network, seen[int(np.argmin(run.costs))], tolerance=0)


def test_a_missing_package_is_named_before_anything_is_read(engine, network, monkeypatch):
    monkeypatch.setattr("handgrad.solvers.settings.find_spec", lambda _name: None)
    with pytest.raises(MissingPackageError, match=r"pip install 'handgrad\[sklearn\]'"):
        train(network, X, y, engine=engine, solver="lbfgs")
