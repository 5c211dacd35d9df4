"""Networks of any depth and activation, and several labels, on the command line."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, multilabel_confusion_matrix

from handgrad import Network, get_engine, load, save
from handgrad.layers import ACTIVATIONS

SPECIES = ("--label", "species", "--solver", "adam", "--epochs", 20, "--learning-rate", 0.01)


@pytest.mark.parametrize(
    ("hidden", "shown"), [("0", []), ("7", 7), ("9, 5", [9, 5]), ("4,3,2", [4, 3, 2])]
)
def test_a_network_of_any_depth_is_trained_evaluated_and_used(
    run, run_json, flowers, hidden, shown
):
    result = run_json("train", flowers, *SPECIES, "--hidden", hidden)
    assert result["hidden"] == shown
    assert result["loss"] == "log_loss"
    model = load("model.safetensors")
    assert list(model.hidden) == (shown if isinstance(shown, list) else [shown])
    assert model.training["hidden"] == shown
    again = run_json("evaluate", "model.safetensors", flowers, "--label", "species")
    assert again["accuracy"] == pytest.approx(
        0.8 * result["train_accuracy"] + 0.2 * result["test_accuracy"]
    )
    status, out, _ = run("predict", "model.safetensors", flowers)
    assert status == 0
    rows = list(csv.DictReader(out.splitlines()))
    X = pd.read_csv(flowers).drop(columns="species").to_numpy()
    expected = get_engine("reference").predict_proba(model, X)
    found = [[float(row[f"p_{name}"]) for name in model.class_names] for row in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_trains(run, run_json, flowers, activation):
    arguments = ("train", flowers, *SPECIES, "--hidden", "8,6", "--activation", activation)
    result = run_json(*arguments)
    assert (result["hidden"], result["activation"]) == ([8, 6], activation)
    model = load("model.safetensors")
    assert model.activation == activation
    is_relu = activation in ("relu", "leaky_relu")
    assert model.training["initial"] == ("he" if is_relu else "glorot")
    status, out, err = run(*arguments, "--plots", "plots")
    assert (status, err) == (0, "")
    assert "test accuracy" in out


def test_both_engines_train_the_same_deep_network(run_json, flowers):
    arguments = ("train", flowers, *SPECIES, "--hidden", "8,6", "--activation", "tanh")
    native, reference = (
        run_json(*arguments, "--dtype", "float64", "--engine", engine)
        for engine in ("auto", "reference")
    )
    assert native["train_cost"] == pytest.approx(reference["train_cost"], rel=1e-9)


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam"])
def test_a_deep_run_continues_in_the_same_bits(run_json, flowers, solver):
    unit = "--iterations" if solver == "gd" else "--epochs"
    arguments = ("train", flowers, "--label", "species", "--solver", solver, "--hidden", "8,6")
    run_json(*arguments, unit, 12, "--out", "whole")
    run_json(*arguments, unit, 5, "--checkpoint", "c")
    result = run_json("train", "--resume", "c", unit, 12, "--hidden", "8,6")
    assert result["hidden"] == [8, 6]
    pairs = zip(load("whole").parameters, load("model.safetensors").parameters, strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "hidden",
    ["", " ", ",", "0,0", "10,0", "10,", "-5", "5.0", "1e3", "ten", "٣", "9" * 5000, "[5]"],
)
def test_odd_layers_are_refused_in_one_sentence(run, flowers, hidden):
    for command in ("train", "studio"):
        status, out, err = run(command, flowers, f"--hidden={hidden}")
        assert (status, out) == (2, "")
        words = " ".join(err.replace("│", " ").split())
        assert "is not a number of units such as 10, several with commas such as 100,50" in words


def test_an_activation_without_hidden_units_is_refused(run, flowers):
    status, _, err = run("train", flowers, "--hidden", 0, "--activation", "tanh")
    assert status == 2
    assert "--activation belongs to hidden units" in " ".join(err.replace("│", " ").split())


def test_too_many_layers_are_refused_before_anything_is_read(run):
    status, _, err = run("train", "none.csv", "--hidden", ",".join(["5"] * 65))
    assert (status, err) == (1, "handgrad: hidden names 65 layers; expected at most 64.\n")


def test_as_many_layers_as_are_taken_fit_into_a_checkpoint(run_json, flowers):
    layers = ",".join(["10"] * 64)
    arguments = (
        "--epochs",
        2,
        "--solver",
        "adam",
        "--hidden",
        layers,
        "--activation",
        "leaky_relu",
    )
    run_json("train", flowers, "--label", "species", *arguments, "--checkpoint", "c", "--every", 1)
    assert run_json("train", "--resume", "c", "--epochs", 3)["resumed_at"] == 2


@pytest.fixture
def mails():
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 3))
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    table = table.assign(spam=(X[:, 0] > 0).astype(int), urgent=(X[:, 1] > 0.5).astype(int))
    table.to_csv("mails.csv", index=False)
    return table


LABELS = ("train", "mails.csv", "--label", "spam,urgent", "--solver", "adam", "--epochs", 60)


def test_several_columns_are_several_labels(run, run_json, mails):
    result = run_json(*LABELS, "--learning-rate", 0.02, "--plots", "plots")
    assert result["test_accuracy"] > 0.8
    model = load("model.safetensors")
    assert (model.predicts, model.class_names) == ("labels", ("spam", "urgent"))
    status, out, _ = run("predict", "model.safetensors", "mails.csv")
    assert status == 0
    found = pd.read_csv(io.StringIO(out))
    assert list(found) == ["sample", "spam", "urgent", "p_spam", "p_urgent"]
    pair = mails[["spam", "urgent"]], found[["spam", "urgent"]]
    evaluated = run_json("evaluate", "model.safetensors", "mails.csv")
    assert evaluated["label_names"] == ["spam", "urgent"]
    assert evaluated["accuracy"] == pytest.approx(accuracy_score(*pair))
    np.testing.assert_array_equal(evaluated["confusion"], multilabel_confusion_matrix(*pair))
    rows = run_json("predict", "model.safetensors", "mails.csv")
    assert rows[0]["labels"] == [name for name in ("spam", "urgent") if found[name][0]]
    status, out, _ = run("evaluate", "model.safetensors", "mails.csv")
    assert status == 0
    assert "By label" in out
    assert "all labels right" in out


def test_a_run_of_labels_continues_and_is_streamed(run_json, mails):
    assert len(mails) == 200
    whole = run_json(*LABELS)
    run_json(*LABELS[:-1], 20, "--checkpoint", "c")
    assert run_json("train", "--resume", "c", "--epochs", 60)["train_cost"] == whole["train_cost"]
    assert run_json(*LABELS, "--stream")["test_accuracy"] == pytest.approx(
        whole["test_accuracy"], abs=0.1
    )


def test_a_comma_in_the_name_of_a_column_has_a_backslash(run_json, flowers):
    table = pd.read_csv(flowers).rename(columns={"species": "species, in Latin"})
    table.to_csv("latin.csv", index=False)
    run_json("train", "latin.csv", "--label", "species\\, in Latin", "--iterations", 3)
    assert load("model.safetensors").label == "species, in Latin"
    expected = run_json("evaluate", "model.safetensors", "latin.csv")
    named = ("--label", "species\\, in Latin")
    assert run_json("evaluate", "model.safetensors", "latin.csv", *named) == expected


@pytest.mark.parametrize("output", ["logistic", "softmax"])
def test_a_network_of_the_library_is_evaluated_too(run_json, flowers, output):
    classes = 1 if output == "logistic" else 2
    network = Network.initial(features=4, hidden=(5, 3), classes=classes, output=output)
    save(network, "two")
    table = pd.read_csv(flowers)
    table.assign(label=np.arange(150) % 2).drop(columns="species").to_csv("two.csv", index=False)
    assert run_json("evaluate", "two", "two.csv")["samples"] == 150


def test_labels_of_arrays_are_predicted_for_rows_of_a_table(run, mails):
    save(Network.initial(features=3, hidden=4, classes=2, output="logistic"), "m")
    mails[["a", "b", "c"]].to_csv("bare.csv", index=False)
    status, out, err = run("predict", "m", "bare.csv")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "sample,0,1,p_0,p_1"
    status, _, err = run("evaluate", "m", "bare.csv")
    assert status == 1
    assert "bare.csv has no labels" in err
