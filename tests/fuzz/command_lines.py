"""The command line, in process: random options, on files that are damaged in part.

Left out are `studio` and `train --watch`, which serve the page until Ctrl-C.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz import (
    checkpoint_files,
    csv_files,
    idx_files,
    image_files,
    model_files,
    mutations,
    numpy_files,
)
from fuzz.scratch import scratch, written
from handgrad.errors import HandgradError

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from fuzz.outcome import Case

NAME = "command line"
LARGE_IS_ASKED = True  # --hidden may name any number
LONGEST_LINE = 1000

NUMBERS = ["1", "2", "3", "17", "0", "-1", "1.5", "", "x", "nan", "inf", "1e3", "1e-3", "\u0663"]
LARGE = ["1000000000000", "9223372036854775808", "1" * 400, "1e308", "1e-320", "0x10", "1_0"]
COMMANDS = {
    "train": ("source",),
    "evaluate": ("model", "source"),
    "predict": ("model", "source"),
    "trace": ("model", "source"),
    "export": ("model", "source"),
    "check": ("source",),
    "info": (),
}
OPTIONS = {
    "train": (
        *(
            "--hidden",
            "--activation",
            "--regression",
            "--loss",
            "--iterations",
            "--learning-rate",
            "--seed",
            "--initial",
            "--dtype",
            "--test",
        ),
        *("--out", "--history", "--label", "--engine", "--threads", "--json"),
        *("--solver", "--epochs", "--batch-size", "--momentum", "--nesterov", "--tol", "--alpha"),
        *("--checkpoint", "--every", "--resume"),
    ),
    "evaluate": ("--label", "--engine", "--threads", "--json"),
    "predict": ("--out", "--label", "--engine", "--threads", "--json"),
    "trace": ("--sample", "--learning-rate", "--full", "--label", "--json"),
    "export": ("--format", "--out", "--samples", "--label", "--json"),
    "check": ("--label", "--json"),
    "info": ("--json",),
}
FLAGS = ("--json", "--full", "--nesterov", "--regression")
LABELS = ("label", "label", "a", "a,b", "label,c", "a,a", ",", "\\,", "kind", "", "\x1b[31m")
OUTS = ("out", "out/", "no such folder/out", "t.csv", ".", "", "/dev/null", "\x00", "x" * 300, "-")


def draw(random: Random) -> Case:
    """Choose a command, its options and its files."""
    command = random.choice(list(COMMANDS))
    files = _files(random)
    sources = [*files, "", ".", "cat", "images"]
    arguments = [command]
    for kind in COMMANDS[command]:
        if random.random() < 0.97:
            usual = "model.safetensors" if kind == "model" else random.choice(_usual(files))
            arguments.append(usual if random.random() < 0.9 else random.choice(sources))
    if command == "train" and random.random() < 0.95:
        arguments += ["--iterations", "2"]
    if command == "train" and random.random() < 0.25:
        arguments += ["--regression", "--label", random.choice(("label", "label,a"))]
    if command in ("train", "export") and random.random() < 0.9:
        arguments += ["--out", "out"]
    for option in random.sample(OPTIONS[command], _few(random, command)):
        arguments.append(option)
        if option not in FLAGS and random.random() < 0.97:
            arguments.append(_value(random, option, sources))
    if random.random() < 0.05:
        place = random.randrange(len(arguments) + 1)
        arguments.insert(
            place, random.choice(("--help", "--version", "--", "-x", "--nonsense", ""))
        )
    if random.random() < 0.03:
        arguments.append(mutations.text(random))
    return {"arguments": arguments, "files": files}


def run(case: Case) -> None:
    """Run the command where the files are, and see how it ends and what it prints."""
    folder = written(case["files"])
    before = Path.cwd()
    os.chdir(folder)
    try:
        status, out, error = run_main(case["arguments"])
    finally:
        os.chdir(before)
    assert status in (0, 1, 2), f"exit status {status}"
    assert "Traceback" not in error, error
    if status == 1 and case["arguments"][0] != "check":
        _check_sentence(error)
    if status == 0 and _asks_for_json(case["arguments"]) and _is_printed(case["arguments"]):
        json.loads(out, parse_constant=_refuse_constant)
    if status == 1:
        raise HandgradError("The command failed with one sentence.")


def run_main(arguments: list[str]) -> tuple[int, str, str]:
    """Run the program with streams of its own; return its status, and what it printed."""
    from handgrad.__main__ import main

    streams = sys.stdout, sys.stderr
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
    files = [os.open(scratch() / name, flags) for name in ("stdout", "stderr")]
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(os.fdopen(os.dup(file), "wb"), encoding="utf-8", write_through=True)
        for file in files
    )
    try:
        main(arguments)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.close()
        sys.stdout, sys.stderr = streams
        out, error = (_content(file) for file in files)
    return status, out, error


def _content(file: int) -> str:
    with os.fdopen(file, "rb") as stream:
        stream.seek(0)
        return stream.read().decode("utf-8", "replace")


def _check_sentence(error: str) -> None:
    lines = error.splitlines()
    assert len(lines) == 1, f"{len(lines)} lines of errors: {error[:300]!r}"
    assert lines[0].startswith("handgrad: "), f"an error by somebody else: {error[:300]!r}"
    assert len(lines[0]) <= LONGEST_LINE, f"a line of {len(lines[0])} characters: {error[:300]!r}"
    assert lines[0].isprintable(), f"a control character in an error: {error[:300]!r}"


def _asks_for_json(arguments: list[str]) -> bool:
    """Tell whether --json stands among the options, and not as the value of one."""
    before = ["", *arguments]
    return any(
        argument == "--json" and not (last.startswith("--") and last not in FLAGS)
        for last, argument in zip(before, arguments, strict=False)
    )


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} in JSON")


def _is_printed(arguments: list[str]) -> bool:
    """Tell whether the JSON goes to standard output: `predict --out` writes it to a file."""
    asks_for_help = "--help" in arguments or "--version" in arguments
    return not asks_for_help and not (arguments[0] == "predict" and "--out" in arguments)


def _files(random: Random) -> dict[str, bytes]:
    """Make a model, and sources of which most are whole and fit the model."""
    rows = [[f"{random.random():.3f}" for _ in range(4)] + [str(i % 3)] for i in range(12)]
    table = "\n".join(",".join(cells) for cells in [["a", "b", "c", "d", "label"], *rows])
    models = model_files.valid_models()
    damaged = model_files.damaged_model(random)
    files = {
        "model.safetensors": damaged if random.random() < 0.4 else random.choice(models),
        "t.csv": table.encode(),
        "run.checkpoint": random.choice(checkpoint_files.valid_checkpoints()),
    }
    others: dict[str, Callable[[Random], Case]] = {
        "csv": csv_files.draw,
        "npz": numpy_files.draw,
        "image": image_files.draw,
        "idx": idx_files.draw,
    }
    if random.random() < 0.4:
        files |= others[random.choice(list(others))](random)["files"]
    return files


def _usual(files: dict[str, bytes]) -> list[str]:
    names = [name for name in files if not name.endswith((".safetensors", ".checkpoint"))]
    folders = {name.partition("/")[0] for name in names if "/" in name}
    return [*names, *("." for _ in folders), "."] if folders or "t10k" in str(names) else names


def _few(random: Random, command: str) -> int:
    return min(random.choice((0, 1, 1, 2, 3)), len(OPTIONS[command]))


def _value(random: Random, option: str, sources: list[str]) -> str:
    if random.random() < 0.03:
        return mutations.text(random)
    if option in ("--out", "--history", "--checkpoint"):
        return random.choice(OUTS)
    if option == "--test":
        return random.choice(sources)
    if option == "--label":
        return random.choice(LABELS)
    if option == "--resume":
        return random.choice(("run.checkpoint", "run.checkpoint", *sources))
    if option == "--activation":
        return random.choice(("relu", "tanh", "logistic", "identity", "leaky_relu", "softmax", ""))
    if option == "--loss":
        return random.choice(("squared_error", "poisson", "log_loss", ""))
    if option == "--hidden":
        return random.choice(NUMBERS + LARGE + ["3,2", "1,1,1", "0,0", "2,", "5,99999999", "10,0"])
    if option == "--solver":
        return random.choice(("gd", "sgd", "adam", "lbfgs", ""))
    if option == "--every":
        return random.choice(("1", "2", "5s", *NUMBERS))
    if option == "--epochs":
        return random.choice(NUMBERS)
    if option in ("--batch-size", "--momentum", "--tol", "--alpha"):
        return random.choice(NUMBERS + LARGE)
    if option in ("--iterations", "--seed", "--threads", "--sample", "--samples"):
        return random.choice(NUMBERS + LARGE * (option != "--iterations"))
    if option == "--learning-rate":
        return random.choice(NUMBERS + LARGE)
    return random.choice(
        ("he", "uniform", "float32", "float64", "html", "native", "reference", "auto", "pdf", "")
    )
