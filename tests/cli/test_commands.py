"""The command line as users run it."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_iris

from handgrad import Network, data, load, notes, save
from handgrad.derivation.formulas import FORMULAS
from handgrad.engines import available_engines
from handgrad.model import Model


@pytest.fixture(autouse=True)
def work_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def flowers(work_folder):
    """scikit-learn's irises as a CSV file with the names of the species."""
    bunch = load_iris()
    with (work_folder / "flowers.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*bunch.feature_names, "species"])
        for x, y in zip(bunch.data, bunch.target, strict=True):
            writer.writerow([*x, bunch.target_names[y]])
    return "flowers.csv"


@pytest.fixture
def model(work_folder):
    """A small trained model of flowers, written by the library."""
    network = Network.initial(features=4, hidden=3, classes=3)
    names = ("setosa", "versicolor", "virginica")
    path = work_folder / "flowers.safetensors"
    save(Model(*network.parameters, class_names=names), path)
    return path


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


def test_evaluate_prints_tables(run, model, flowers):
    status, out, _ = run("evaluate", model, flowers, "--label", "species")
    assert status == 0
    assert "accuracy" in out
    assert "on 150 samples" in out


def test_predictions_are_a_csv_of_labels_and_probabilities(run, model, flowers, work_folder):
    expected = notes.forward(load(model), load_iris().data).A2.T
    status, out, _ = run("predict", model, flowers, "--label", "species")
    rows = list(csv.DictReader(out.splitlines()))
    assert status == 0
    assert len(rows) == 150
    assert list(rows[0]) == ["sample", "label", "p_setosa", "p_versicolor", "p_virginica"]
    probabilities = [[float(row[f"p_{name}"]) for name in load(model).class_names] for row in rows]
    np.testing.assert_allclose(probabilities, expected, rtol=1e-4)
    for row, p in zip(rows, expected, strict=True):
        assert row["label"] == load(model).class_names[p.argmax()]
    status, printed, _ = run(
        "predict", model, flowers, "--label", "species", "--out", "predictions.csv"
    )
    assert (status, printed) == (0, "")
    assert (work_folder / "predictions.csv").read_text() == out


def test_predictions_need_no_labels_and_take_images(run, run_json, work_folder):
    network = Network.initial(features=4, hidden=3, classes=2)
    path = work_folder / "images.safetensors"
    save(
        Model(*network.parameters, class_names=("a", "b"), image_shape=(2, 2), scaling=1 / 255),
        path,
    )
    pixels = np.array([[0, 50], [100, 250]], np.uint8)
    Image.fromarray(pixels).save("one.png")
    expected = notes.forward(network, pixels.reshape(1, 4)).A2[:, 0]
    (row,) = run_json("predict", path, "one.png")
    assert row["sample"] == "one.png"
    np.testing.assert_allclose(row["probabilities"], expected, rtol=1e-5)
    status, out, _ = run("trace", path, "one.png")
    assert status == 0
    assert "dZ2" not in out


def test_a_trace_under_json_holds_every_matrix(run_json, model, flowers):
    steps = run_json("trace", model, flowers, "--label", "species", "--sample", 149)
    assert {step["formula"] for step in steps} == {"", *FORMULAS}
    (Z1,) = (step["value"] for step in steps if step["name"] == "Z1")
    expected = notes.forward(load(model), load_iris().data[149:]).Z1
    np.testing.assert_allclose(Z1, expected, rtol=1e-6)


def test_check_passes_and_prints_a_row_a_formula(run, run_json):
    rows = run_json("check")
    assert [row["formula"] for row in rows] == list(FORMULAS)
    assert all(row["passed"] and row["error"] < 1e-6 for row in rows)
    status, out, _ = run("check")
    assert status == 0
    assert out.count("pass") >= len(FORMULAS)


def test_check_fails_with_exit_status_1(run, monkeypatch):
    right = notes.output_gradient
    monkeypatch.setattr(notes, "output_gradient", lambda A2, y: right(A2, y) * A2.shape[1])
    status, out, _ = run("check")
    assert status == 1
    assert "FAIL" in out
    status, out, _ = run("check", "--json")
    assert status == 1
    assert not all(row["passed"] for row in json.loads(out))


def test_check_goes_on_without_the_embedded_digits_and_says_so(run, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    status, _, err = run("check")
    assert status == 0
    assert "only on random networks" in err
    status, _, err = run("check", "mnist-5k")
    assert status == 1
    assert "pip install" in err


def test_info_tells_versions_engine_instructions_and_threads(run, run_json):
    facts = run_json("info")
    assert {"version", "engine", "instruction_set", "threads"} <= set(facts)
    status, out, _ = run("info")
    assert status == 0
    assert str(facts["instruction_set"]) in out
    assert run("--version")[1].split()[-1] == facts["version"]


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "trace", "check", "info"])
def test_every_command_teaches_with_an_example(run, command):
    status, out, _ = run(command, "--help")
    assert status == 0
    assert "Example" in out
    assert f"handgrad {command}" in out


def test_the_help_lists_commands_and_sources(run):
    status, out, _ = run("--help")
    assert status == 0
    for word in ("train", "evaluate", "predict", "trace", "check", "info", "mnist-5k", ".csv"):
        assert word in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--hidden", "0"],
        ["train", "--iterations", "many"],
        ["train", "--iterations", "100000000000000000000"],
        ["train", "--learning-rate", "nan"],
        ["train", "--learning-rate", "-0.1"],
        ["train", "--seed", "-1"],
        ["train", "--initial", "zeros"],
        ["train", "--engine", "quantum"],
        ["train", "--unknown"],
        ["evaluate"],
        ["nothing"],
    ],
)
def test_wrong_usage_exits_with_2(run, work_folder, arguments):
    status, _, err = run(*arguments)
    assert status == 2
    assert err
    assert "Traceback" not in err
    assert list(work_folder.iterdir()) == []


def test_a_sample_that_is_not_there_is_wrong_usage(run, model, flowers):
    status, _, err = run("trace", model, flowers, "--label", "species", "--sample", 150)
    assert status == 2
    assert "150 samples" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "none.csv"], "none.csv does not exist"),
        (["train", ""], "the source is empty"),
        (["train", "x" * 5000], "cannot be read"),
        (["predict", "flowers.safetensors", ""], "the source is empty"),
        (["predict", "flowers.safetensors", "x" * 5000], "cannot be read"),
        (["predict", "x" * 5000, "flowers.csv"], "cannot be read"),
        (["predict", ".", "flowers.csv"], "is a folder"),
        (["train", "flowers.csv", "--out", "x" * 5000], "cannot be written"),
        (["train", "flowers.csv"], "no column 'label'"),
        (["train", "broken.csv"], "broken.csv, line 3: column 'a' holds 'x'"),
        (["train", "flowers.csv", "--label", "species", "--test", "broken.csv"], "broken.csv"),
        (["train", "flowers.csv", "--label", "species", "--test", "digits"], "64 features"),
        (["train", "flowers.csv", "--label", "species", "--out", "no/m.st"], "does not exist"),
        (["train", "flowers.csv", "--label", "species", "--history", "."], "is a folder"),
        (["train", "huge.csv"], "lower the learning rate"),
        (["evaluate", "none.safetensors", "flowers.csv"], "none.safetensors does not exist"),
        (["evaluate", "flowers.csv", "flowers.csv"], "not a whole safetensors file"),
        (["evaluate", "flowers.safetensors", "digits"], "64 features"),
        (["evaluate", "flowers.safetensors", "unlabelled.csv"], "unlabelled.csv has no labels"),
        (["evaluate", "flowers.safetensors", "others.csv"], "the class 'rose'"),
        (["predict", "flowers.safetensors", "unlabelled.csv", "--out", "no/p.csv"], "no"),
        (["predict", "flowers.safetensors", "."], "not a PNG or JPEG"),
    ],
)
def test_a_failed_job_exits_with_1_and_one_sentence(run, flowers, model, arguments, words):
    assert flowers
    assert model.exists()
    for name, text in {
        "broken.csv": "a,label\n1,x\nx,y\n",
        "huge.csv": "a,label\n1e30,x\n-1e30,y\n1e30,y\n",
        "unlabelled.csv": "a,b,c,d\n1,2,3,4\n",
        "others.csv": "a,b,c,d,label\n1,2,3,4,rose\n1,2,3,4,setosa\n",
    }.items():
        Path(name).write_text(text)
    before = sorted(Path().iterdir())
    status, out, err = run(*arguments)
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert err.startswith("handgrad: ")
    assert words in err
    assert sorted(Path().iterdir()) == before


def interrupting(monkeypatch, *reports):
    """Press Ctrl-C at some of the reports of progress, counted from 1."""

    @contextmanager
    def training_progress(_iterations):
        seen = []

        def show(progress):
            seen.append(progress)
            for _ in range(reports.count(len(seen))):
                signal.raise_signal(signal.SIGINT)

        yield show

    monkeypatch.setattr("handgrad.cli.terminal.training_progress", training_progress)


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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize("command", ["info", "check"])
def test_output_that_cannot_be_written_is_a_failed_job(command):
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "handgrad", command],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert run.returncode == 1
    assert run.stderr == b"handgrad: The output cannot be written: No space left on device.\n"


@pytest.mark.skipif(os.name != "posix", reason="streams are closed the POSIX way")
@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_closed_stream_is_no_fault(closed):
    program = f'"{sys.executable}" -m handgrad train digits --iterations 2 {closed}'
    run = subprocess.run(["/bin/sh", "-c", program], capture_output=True, check=True)
    assert b"Traceback" not in run.stderr
    assert Path("model.safetensors").exists()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize(
    "arguments", [["check"], ["--help"], ["predict", "größe.safetensors", "none.csv"]]
)
def test_signs_that_a_terminal_cannot_show_are_no_fault(encoding, arguments):
    run = subprocess.run(
        [sys.executable, "-m", "handgrad", *arguments],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LANG": "C.UTF-8"},
        check=False,
    )
    assert run.returncode == (1 if "predict" in arguments else 0)
    assert b"Traceback" not in run.stderr
    assert run.stdout or b"does not exist" in run.stderr
