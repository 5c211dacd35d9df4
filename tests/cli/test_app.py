"""The program: its help, and its exit statuses for wrong usage and for failed jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

COMMANDS = ("train", "studio", "evaluate", "predict", "trace", "export", "check", "info")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches_with_an_example(run, command):
    status, out, _ = run(command, "--help")
    assert status == 0
    assert "Example" in out
    assert f"handgrad {command}" in out


def test_the_help_lists_commands_and_sources(run):
    status, out, _ = run("--help")
    assert status == 0
    for word in (*COMMANDS, "mnist-5k", ".csv"):
        assert word in out


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
        (["predict", "flowers.safetensors", "."], "other columns"),
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
