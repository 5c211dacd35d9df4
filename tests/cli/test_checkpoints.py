"""`train --checkpoint` and `--resume`: files, words, and what is wrong usage."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from handgrad import load
from handgrad.files.checkpoint import load_checkpoint
from interrupts import interrupting

USAGE = "--label", "species"


def history(name):
    lines = csv.DictReader(Path(name).read_text().splitlines())
    return [(line["iteration"], line["cost"], line["accuracy"]) for line in lines]


def same_weights(one, other):
    pairs = zip(load(one).parameters, load(other).parameters, strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    "options", [["--iterations", 40], ["--solver", "adam", "--epochs", 40, "--batch-size", 20]]
)
def test_an_interrupted_run_resumes_as_if_it_had_not_been(run_json, flowers, monkeypatch, options):
    engine = "--engine", "reference"
    new = "train", flowers, *USAGE, *options, *engine
    whole = run_json(*new, "--history", "h1", "--out", "m1")
    with monkeypatch.context() as patch:
        interrupting(patch, 9)
        half = run_json(*new, "--checkpoint", "c")
    taken = load_checkpoint("c").state.iterations
    assert (half["stopped"], half["checkpoint"], half["resumed_at"]) == (True, "c", None)
    assert taken == half["iterations"] < 40
    resumed = "train", "--resume", "c", "--checkpoint", "c", *engine
    rest = run_json(*resumed, "--history", "h2", "--out", "m2")
    assert (rest["resumed_at"], rest["iterations"], rest["stopped"]) == (taken, 40, False)
    assert rest["train_cost"] == whole["train_cost"]
    assert same_weights("m1", "m2")
    assert history("h1") == history("h2")
    assert load_checkpoint("c").state.iterations == 40


def test_a_finished_run_says_so_and_takes_more(run, flowers):
    assert run("train", flowers, *USAGE, "--iterations", 9, "--checkpoint", "c")[0] == 0
    Path("model.safetensors").unlink()
    status, out, err = run("train", "--resume", "c")
    assert (status, err) == (0, "")
    assert "The run had ended before; --iterations names how many steps it takes in all." in out
    assert Path("model.safetensors").exists()
    before = Path("c").read_bytes()
    status, out, _ = run("train", flowers, *USAGE, "--resume", "c", "--iterations", 12)
    assert "12 steps in" in out
    assert Path("c").read_bytes() == before  # --checkpoint did not name it
    run("train", flowers, *USAGE, "--iterations", 12, "--out", "whole")
    assert same_weights("model.safetensors", "whole")


def test_lbfgs_and_another_engine_say_what_differs(run, flowers):
    run("train", flowers, *USAGE, "--solver", "lbfgs", "--iterations", 5, "--checkpoint", "c")
    status, out, err = run("train", "--resume", "c", "--iterations", 9)
    assert status == 0
    assert "9 steps in" in out
    assert err.startswith("lbfgs continues from its weights")
    assert err.count("\n") == 1


@pytest.mark.parametrize("every", ["0", "1.5", "5 s", "-1", "x", ""])
def test_an_interval_that_cannot_be_is_wrong_usage(run, flowers, every):
    status, out, err = run("train", flowers, "--checkpoint", "c", "--every", every)
    assert (status, out) == (2, "")
    assert "30s, 5m or 1h" in " ".join(err.replace("│", " ").split())


def test_an_interval_without_a_checkpoint_is_wrong_usage(run, flowers):
    status, _, err = run("train", flowers, "--every", "5")
    assert status == 2
    assert "--every belongs to --checkpoint" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--resume", "none"], "none does not exist; expected a checkpoint that"),
        (["--resume", "flowers.csv"], "flowers.csv is not a whole safetensors file"),
        (["--resume", "c", "--hidden", 11], "continues a run with hidden 10, not 11"),
        (["--resume", "c", "--solver", "adam"], "continues a run with solver 'gd', not 'adam'"),
        (["--resume", "c", "--epochs", 5], "continues a run of gd, which takes no epochs"),
        (["--resume", "c", "--iterations", 3], "has taken 5 steps; expected no fewer iterations"),
        (["digits", "--resume", "c"], "was trained on other rows than those of digits"),
        (["--resume", "c", "--out", "c"], "c would be read and overwritten"),
        (["--resume", "c", "--checkpoint", "flowers.csv"], "flowers.csv would be read and overw"),
        (["--resume", "c", "--out", "flowers.csv"], "flowers.csv would be read and overwritten"),
        (["--checkpoint", "m", "--out", "m"], "are the same file"),
        (["--checkpoint", "no folder/c"], "the folder"),
        (["--checkpoint", "."], "is a folder"),
    ],
)
def test_a_run_that_cannot_continue_fails_with_one_sentence(run, flowers, arguments, words):
    run("train", flowers, *USAGE, "--iterations", 5, "--checkpoint", "c", "--out", "first")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    status, out, err = run("train", *arguments)
    assert (status, out) == (1, "")
    assert words in err
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in Path().iterdir()} == before
