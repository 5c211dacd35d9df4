"""Networks that predict values, on the command line; scikit-learn's figures are the oracle."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_linnerud
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.neural_network import MLPRegressor

from handgrad import Network, load, save

REGRESSION = ("train", "patients.csv", "--regression", "--label", "progression")
ADAM = ("--solver", "adam", "--epochs", 200, "--learning-rate", 0.05)
EXERCISE = ("train", "exercise.csv", "--regression", "--label", "Weight,Waist,Pulse")
FIGURES = [
    *("test_mean_squared_error", "test_r2", "test_cost"),
    *("train_mean_squared_error", "train_r2", "train_cost"),
    *("hidden", "activation", "loss"),
]
RUN = ["resumed_at", "stopped", "seconds", "engine", "instruction_set", "threads"]
FILES = ["model", "history", "plots", "checkpoint"]


@pytest.fixture(autouse=True)
def patients():
    frame = load_diabetes(as_frame=True).frame
    frame = frame.rename(columns={"target": "progression"})
    frame.to_csv("patients.csv", index=False)
    return frame


@pytest.fixture
def exercise():
    frame = load_linnerud(as_frame=True).frame / 100
    frame.to_csv("exercise.csv", index=False)
    return frame


def predictions(run, *arguments):
    status, out, err = run("predict", "model.safetensors", *arguments)
    assert (status, err) == (0, "")
    return pd.read_csv(io.StringIO(out))


def test_the_figures_are_scikit_learns(run, run_json, patients):
    result = run_json(*REGRESSION, *ADAM)
    assert list(result) == [*FIGURES, "iterations", "epochs", *RUN, *FILES]
    assert result["loss"] == "squared_error"
    found = predictions(run, "patients.csv")
    assert list(found) == ["sample", "progression"]
    held_out = np.arange(len(patients)) % 5 == 4
    for rows, part in ((held_out, "test"), (~held_out, "train")):
        pair = patients["progression"][rows], found["progression"][rows]
        error = mean_squared_error(*pair)
        assert result[f"{part}_mean_squared_error"] == pytest.approx(error, rel=1e-5)
        assert result[f"{part}_r2"] == pytest.approx(r2_score(*pair), rel=1e-5)
        assert result[f"{part}_cost"] == pytest.approx(error / 2, rel=1e-5)
    assert result["test_r2"] > 0.3


def test_lbfgs_finds_as_low_a_cost_as_scikit_learn(run_json, patients):
    X, y = patients.drop(columns="progression").to_numpy(), patients["progression"].to_numpy()
    theirs = MLPRegressor(
        hidden_layer_sizes=(), solver="lbfgs", alpha=0, max_iter=2000, tol=1e-9
    ).fit(X, y)
    arguments = (*REGRESSION, "--hidden", 0, "--solver", "lbfgs", "--tol", 1e-6)
    more = ("--dtype", "float64", "--test", "patients.csv", "--iterations", 2000)
    result = run_json(*arguments, *more)
    assert result["train_r2"] == pytest.approx(theirs.score(X, y), rel=1e-3)
    assert result["hidden"] == []
    assert result["activation"] is None


def test_evaluate_knows_from_the_model_that_it_predicts_values(run, run_json):
    trained = run_json(*REGRESSION, *ADAM, "--test", "patients.csv")
    found = run_json("evaluate", "model.safetensors", "patients.csv")
    names = ["mean_squared_error", "r2", "cost", "samples", "mean_squared_errors", "r2_scores"]
    assert list(found) == ["value_names", *names]
    assert found["value_names"] == ["progression"]
    assert found["samples"] == 442
    for name in ("mean_squared_error", "r2", "cost"):
        assert found[name] == pytest.approx(trained[f"train_{name}"], rel=1e-6)
    status, out, _ = run("evaluate", "model.safetensors", "patients.csv")
    assert status == 0
    assert f"R² {found['r2']:.4f}, mean squared error {found['mean_squared_error']:.6g}" in out
    assert "on 442 samples" in out
    assert "accuracy" not in out
    assert "Confusion" not in out


def test_what_is_shown_and_written_speaks_of_values(run):
    status, out, err = run(*REGRESSION, *ADAM, "--history", "h.csv", "--plots", "plots")
    assert (status, err) == (0, "")
    for word in ("accuracy", "Confusion", "By class"):
        assert word not in out
    assert "200 epochs in" in out
    assert "test R² 0." in out
    with Path("h.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == ["iteration", "cost", "seconds"]
    assert float(lines[-1]["cost"]) < float(lines[0]["cost"])
    pictures = {path.name for path in Path("plots").iterdir()}
    assert pictures == {"learning-curves.png", "weights.png", "predicted.png"}
    model = load("model.safetensors")
    assert (model.predicts, model.class_names, model.label) == (
        *("values", ("progression",)),
        "progression",
    )
    assert model.training["test_r2"] > 0
    assert "test_accuracy" not in model.training


def test_several_values_are_predicted_together(run, run_json, exercise):
    result = run_json(*EXERCISE, *ADAM, "--hidden", "20,10", "--activation", "tanh")
    assert (result["hidden"], result["activation"]) == ([20, 10], "tanh")
    found = predictions(run, "exercise.csv")
    values = ["Weight", "Waist", "Pulse"]
    assert list(found) == ["sample", *values]
    evaluated = run_json("evaluate", "model.safetensors", "exercise.csv")
    assert evaluated["value_names"] == values
    scores = r2_score(exercise[values], found[values], multioutput="raw_values")
    np.testing.assert_allclose(evaluated["r2_scores"], scores, rtol=1e-4)
    assert evaluated["r2"] == pytest.approx(scores.mean(), rel=1e-4)
    errors = mean_squared_error(exercise[values], found[values], multioutput="raw_values")
    np.testing.assert_allclose(evaluated["mean_squared_errors"], errors, rtol=1e-4)
    status, out, _ = run("evaluate", "model.safetensors", "exercise.csv")
    assert status == 0
    assert "By value" in out
    for value in values:
        assert value in out
    rows = run_json("predict", "model.safetensors", "exercise.csv")
    np.testing.assert_allclose([row["values"] for row in rows], found[values], rtol=1e-6)


def test_columns_of_values_are_found_by_their_names(run_json, exercise):
    run_json(*EXERCISE, *ADAM)
    expected = run_json("evaluate", "model.safetensors", "exercise.csv")
    exercise[exercise.columns[::-1]].to_csv("mixed.csv", index=False)
    assert run_json("evaluate", "model.safetensors", "mixed.csv") == expected


def test_poisson_predicts_counts_above_0(run, run_json, exercise):
    result = run_json(*EXERCISE, *ADAM, "--loss", "poisson")
    assert result["loss"] == "poisson"
    assert load("model.safetensors").output == "exp"
    assert (predictions(run, "exercise.csv").drop(columns="sample") > 0).all(axis=None)
    exercise.assign(Pulse=-exercise["Pulse"]).to_csv("exercise.csv", index=False)
    status, out, err = run(*EXERCISE, *ADAM, "--loss", "poisson")
    assert (status, out) == (1, "")
    assert "expected values of 0 or more" in err


@pytest.mark.parametrize("form", ["csv", "parquet", "npz"])
@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_values_come_from_any_table_in_memory_or_in_blocks(run_json, patients, form, more):
    expected = run_json(*REGRESSION, *ADAM)
    X, y = patients.drop(columns="progression").to_numpy(), patients["progression"].to_numpy()
    patients.to_parquet("patients.parquet")
    np.savez("patients.npz", X=X, y=y)
    found = run_json("train", f"patients.{form}", *REGRESSION[2:], *ADAM, *more)
    assert found["test_r2"] == pytest.approx(expected["test_r2"], rel=0.05)
    evaluated = run_json("evaluate", "model.safetensors", "patients.csv")
    assert evaluated["r2"] == pytest.approx(
        0.8 * found["train_r2"] + 0.2 * found["test_r2"], rel=0.05
    )


@pytest.mark.parametrize("solver", ["gd", "adam", "lbfgs"])
def test_a_run_of_values_continues_from_its_checkpoint(run, run_json, solver):
    unit = "--epochs" if solver == "adam" else "--iterations"
    arguments = (*REGRESSION, "--solver", solver, "--hidden", "6,4", "--activation", "logistic")
    whole = run_json(*arguments, unit, 12)
    run_json(*arguments, unit, 5, "--checkpoint", "c", "--every", 5)
    result = run_json("train", "--resume", "c", unit, 12, "--regression")
    assert list(result) == list(whole)
    assert (result["resumed_at"], result["iterations"]) == (5, 12)
    if solver != "lbfgs":
        assert result["train_cost"] == whole["train_cost"]
    for option, words in (
        (["--loss", "poisson", "--regression"], "with loss 'squared_error', not 'poisson'"),
        (["--hidden", "6"], "with hidden [6, 4], not 6"),
        (["--activation", "tanh"], "with activation 'logistic', not 'tanh'"),
        (["--label", "bmi"], "patients.csv"),
    ):
        status, _, err = run("train", "--resume", "c", *option)
        assert status == 1
        assert words in err


def test_a_run_of_classes_is_not_continued_as_one_of_values(run, flowers):
    assert (
        run("train", flowers, "--label", "species", "--iterations", 3, "--checkpoint", "c")[0] == 0
    )
    status, _, err = run("train", "--resume", "c", "--regression")
    assert status == 1
    assert "continues a run with regression False, not True" in err


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["train", "flowers.csv", "--label", "species", "--regression"], 1, "number"),
        (["train", "patients.csv", "--regression"], 1, "no column 'label'"),
        (["train", "patients.csv", "--regression", "--label", "bmi,bmi"], 1, "twice"),
        (["train", "patients.csv", "--regression", "--label", "bmi,none"], 1, "no column 'none'"),
        ([*REGRESSION[:2], "--loss", "poisson"], 2, "--loss belongs to --regression"),
        ([*REGRESSION, "--loss", "absolute"], 2, "poisson"),
        (["evaluate", "model.safetensors", "flowers.csv"], 1, "flowers.csv"),
        (["evaluate", "model.safetensors", "bare.csv"], 1, "bare.csv has no values"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(run, flowers, patients, arguments, status, words):
    assert flowers == "flowers.csv"
    assert run(*REGRESSION, *ADAM)[0] == 0
    patients.drop(columns="progression").to_csv("bare.csv", index=False)
    found, out, err = run(*arguments)
    assert (found, out) == (status, "")
    assert words in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err


def test_values_of_one_sample_have_no_r2(run, run_json, patients):
    run_json(*REGRESSION, *ADAM)
    patients[:1].to_csv("one.csv", index=False)
    assert run_json("evaluate", "model.safetensors", "one.csv")["r2"] is None
    status, out, err = run("evaluate", "model.safetensors", "one.csv")
    assert (status, err) == (0, "")
    assert "R² of one sample: none" in out


def test_a_rate_too_large_for_the_values_ends_in_a_sentence(run):
    status, out, err = run(*REGRESSION, "--learning-rate", 10)
    assert (status, out) == (1, "")
    assert "lower the learning rate" in err


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_json_of_values_is_plain(run, command):
    assert run(*REGRESSION, *ADAM, "--out", "m")[0] == 0
    status, out, _ = run(command, "m", "patients.csv", "--json")
    assert status == 0
    json.loads(out, parse_constant=pytest.fail)


def test_costs_of_any_size_are_short(run, patients):
    patients.assign(progression=patients["progression"] * 1e40).to_csv("big.csv", index=False)
    arguments = ("train", "big.csv", *REGRESSION[2:], "--solver", "lbfgs", "--dtype", "float64")
    status, out, err = run(*arguments, "--plots", "plots")
    assert (status, err) == (0, "")
    assert all(len(line) < 120 for line in out.splitlines())
    status, _, err = run(*arguments, "--dtype", "float32")
    assert status == 1
    assert "not finite in float32" in err


@pytest.mark.parametrize("outputs", [1, 2])
def test_models_of_arrays_predict_rows_of_a_table(run, patients, outputs):
    network = Network.initial(features=10, hidden=(4, 3), classes=outputs, output="identity")
    save(network, "m")
    patients.drop(columns="progression").to_csv("bare.csv", index=False)
    status, out, err = run("predict", "m", "bare.csv")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "sample," + ",".join("01"[:outputs])
    assert run("evaluate", "m", "bare.csv")[0] == 1


@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_numbers_that_are_taken_for_classes_are_told(run, patients, more):
    arguments = ("train", "patients.csv", "--iterations", 1, "--label")
    status, _, err = run(*arguments, "progression", *more)
    assert status == 0
    words = " ".join(err.split())
    assert "patients.csv has 214 classes on" in words
    assert "to predict numbers, pass --regression." in words
    for other in (patients["progression"] // 100, patients["progression"].map("no. {}".format)):
        patients.assign(progression=other).to_csv("patients.csv", index=False)
        assert "--regression" not in run(*arguments, "progression", *more)[2]


@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_other_test_data_hold_the_values_in_any_order(run, run_json, exercise, more):
    exercise[exercise.columns[::-1]].to_csv("mixed.csv", index=False)
    result = run_json(*EXERCISE, *ADAM, "--test", "mixed.csv", *more)
    assert result["test_r2"] == pytest.approx(result["train_r2"], rel=1e-5)
    exercise.drop(columns="Waist").to_csv("narrow.csv", index=False)
    status, _, err = run(*EXERCISE, *ADAM, "--test", "narrow.csv", *more)
    assert status == 1
    assert "'Waist'" in err


def test_a_cluster_trains_and_tests_values_in_the_same_bits(run_json, cluster):
    arguments = (*REGRESSION, *ADAM, "--hidden", "6,4", "--activation", "tanh")
    here = run_json(*arguments, "--stream")
    there = run_json(*arguments, "--dask", cluster.scheduler_address)
    for figure in FIGURES:
        assert there[figure] == here[figure]
