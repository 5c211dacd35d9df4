"""The command `train`: files, tables, settings, and Ctrl-C."""

from __future__ import annotations

import csv
import signal
from pathlib import Path

import numpy as np
import pytest

from handgrad import data, load, notes
from handgrad.derivation.formulas import FORMULAS
from handgrad.engines import available_engines
from handgrad.model import Model
from interrupts import interrupting


def test_the_main_job_reads_real_digits(run, run_json):
    result = run_json("train")
    assert result["test_accuracy"] >= 0.86
    assert result["iterations"] == 500
    assert result["engine"] == available_engines()[0]
    assert result["model"] == "model.safetensors"
    assert result["seconds"] > 0
    again = run_json("evaluate", "model.safetensors", "mnist-5k")
    assert again["accuracy"] == result["test_accuracy"]
    assert np.sum(again["confusion"]) == 1000
    dataset = data.load("mnist-5k")
    network = load("model.safetensors")
    assert np.mean(notes.predict(network, dataset.X_test) == dataset.y_test) == again["accuracy"]
    cost = notes.cost(network, dataset.X_train, dataset.y_train)
    assert result["train_cost"] == pytest.approx(cost, rel=1e-6)
    status, out, _ = run("trace", "model.safetensors", "mnist-5k", "--sample", 7)
    assert status == 0
    for formula in FORMULAS.values():
        assert formula.statement in out


def test_training_prints_tables_accuracy_and_where_the_files_went(run, flowers):
    status, out, _ = run(
        "train", flowers, "--label", "species", "--iterations", 60, "--history", "history.csv"
    )
    assert status == 0
    for words in ("By class", "Confusion matrix", "virginica", "test accuracy", "60 steps in"):
        assert words in out
    assert "model: model.safetensors" in out
    assert "history: history.csv" in out
    lines = list(csv.DictReader(Path("history.csv").read_text().splitlines()))
    assert len(lines) == 60
    assert float(lines[-1]["cost"]) < float(lines[0]["cost"])


def test_a_model_remembers_what_it_was_trained_on(run_json, flowers):
    run_json("train", flowers, "--label", "species", "--hidden", 5, "--seed", 3, "--out", "f.st")
    model = load("f.st")
    assert isinstance(model, Model)
    assert model.class_names == ("setosa", "versicolor", "virginica")
    assert (model.D, model.H, model.K) == (4, 5, 3)
    assert model.scaling == 1
    assert model.training["source"] == flowers
    assert model.training["seed"] == 3


def test_other_test_data_leaves_all_samples_for_training(run_json, flowers):
    result = run_json("train", flowers, "--label", "species", "--test", flowers)
    assert result["test_accuracy"] == result["train_accuracy"]


def test_the_settings_reach_the_run(run_json, flowers):
    arguments = ["train", flowers, "--label", "species", "--iterations", 20]
    first, same, other, uniform, double, fast = (
        run_json(*arguments, *more)["train_cost"]
        for more in (
            [],
            [],
            ["--seed", 1],
            ["--initial", "uniform"],
            ["--dtype", "float64"],
            ["--learning-rate", 0.2],
        )
    )
    assert first == same
    assert len({first, other, uniform, fast}) == 4
    assert double == pytest.approx(first, rel=1e-4)
    assert load("model.safetensors").dtype == np.float32


def test_ctrl_c_stops_cleanly_and_keeps_the_best_network(run, run_json, flowers, monkeypatch):
    interrupting(monkeypatch, 8)
    arguments = ["train", flowers, "--label", "species", "--engine", "reference"]
    result = run_json(*arguments)
    assert result["stopped"]
    assert result["iterations"] == 7
    dataset = data.load(flowers, label="species").with_held_out_test()
    cost = notes.cost(load("model.safetensors"), dataset.X_train, dataset.y_train)
    assert cost == pytest.approx(result["train_cost"], rel=1e-6)
    assert cost == pytest.approx(run_json(*arguments, "--iterations", 7)["train_cost"], rel=1e-6)
    interrupting(monkeypatch, 8)
    status, out, _ = run(*arguments)
    assert status == 0
    assert "Stopped after 7 of 500 steps; the best network is kept." in out


def test_ctrl_c_stops_a_run_of_many_steps_between_two_reports(run_json, flowers, monkeypatch):
    interrupting(monkeypatch, 2)
    steps = 10**8
    result = run_json("train", flowers, "--label", "species", "--iterations", steps)
    assert result["stopped"]
    assert 0 < result["iterations"] < steps
    dataset = data.load(flowers, label="species").with_held_out_test()
    cost = notes.cost(load("model.safetensors"), dataset.X_train, dataset.y_train)
    assert cost == pytest.approx(result["train_cost"], rel=1e-6)


def test_a_second_ctrl_c_breaks_off_and_leaves_the_old_model(
    run, flowers, monkeypatch, work_folder
):
    (work_folder / "model.safetensors").write_bytes(b"old")
    interrupting(monkeypatch, 2, 2)
    status, out, err = run("train", flowers, "--label", "species", "--iterations", 10**8)
    assert (status, out, err) == (130, "", "")
    assert (work_folder / "model.safetensors").read_bytes() == b"old"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("solver", "options", "unit"),
    [
        ("sgd", ["--epochs", 7, "--momentum", 0.9, "--nesterov"], "epochs"),
        ("adam", ["--epochs", 7, "--batch-size", 10, "--learning-rate", 0.01], "epochs"),
        ("lbfgs", ["--iterations", 7, "--tol", 1e-6, "--alpha", 0.1], "steps"),
    ],
)
def test_every_solver_trains(run, run_json, flowers, solver, options, unit):
    arguments = ["train", flowers, "--label", "species", "--solver", solver, *options]
    status, out, err = run(*arguments, "--history", "history.csv")
    assert (status, err) == (0, "")
    assert f"7 {unit} in" in out
    lines = list(csv.DictReader(Path("history.csv").read_text().splitlines()))
    assert len(lines) == 7
    assert float(lines[-1]["cost"]) < float(lines[0]["cost"])
    result = run_json(*arguments)
    assert result["iterations"] == 7
    assert result.get("epochs", 7) == 7
    training = load("model.safetensors").training
    assert training["solver"] == solver
    names = [name[2:].replace("-", "_") for name in options[::2] if name != "--nesterov"]
    for name, value in zip(names, options[1::2], strict=False):
        assert training[name] == value


def test_ctrl_c_keeps_the_best_network_of_any_solver(run, run_json, flowers, monkeypatch):
    for solver in ("sgd", "adam", "lbfgs"):
        interrupting(monkeypatch, 3)
        arguments = ["train", flowers, "--label", "species", "--solver", solver]
        result = run_json(*arguments)
        assert (result["stopped"], result["iterations"]) == (True, 3)
        interrupting(monkeypatch, 3)
        _, out, _ = run(*arguments)
        assert "Stopped after 3 of" in out


@pytest.mark.parametrize(
    ("solver", "option", "takers"),
    [
        ("gd", ["--epochs", 3], "sgd and adam"),
        ("gd", ["--batch-size", 3], "sgd and adam"),
        ("gd", ["--tol", 3], "lbfgs"),
        ("sgd", ["--iterations", 3], "gd and lbfgs"),
        ("adam", ["--momentum", 0.5], "sgd"),
        ("adam", ["--nesterov"], "sgd"),
        ("lbfgs", ["--learning-rate", 0.5], "gd, sgd and adam"),
    ],
)
def test_an_option_of_another_solver_is_wrong_usage(run, flowers, solver, option, takers):
    status, out, err = run("train", flowers, "--solver", solver, *option)
    assert (status, out) == (2, "")
    words = " ".join(err.replace("│", " ").split())
    assert f"{option[0]} belongs to {takers}; the solver is {solver}" in words
    assert not Path("model.safetensors").exists()


def test_lbfgs_says_that_it_has_converged(run, flowers):
    status, out, _ = run("train", flowers, "--label", "species", "--solver", "lbfgs", "--tol", 10)
    assert status == 0
    assert "Ended after 0 of 200 steps; the run converged." in out
