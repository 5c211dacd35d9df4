"""What users may do wrong on the command line: numbers and paths that cannot be, files in the way.

None raises anything but an exit, and none touches a file that is there.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import numpy as np
import pytest

from handgrad import Network, load, save
from handgrad.files.leftovers import temporary_file
from handgrad.model import Model

TRAIN = ("train", "s.csv", "--iterations", "2")
VALUES = (*TRAIN, "--regression", "--label", "b")
MODEL = "m.safetensors"


@pytest.fixture(autouse=True)
def work_folder(tmp_path, monkeypatch):
    """A model, samples, and all kinds of things that are not files."""
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i / 20},{i % 7},{'xy'[i % 2]}\n" for i in range(20))
    Path("s.csv").write_text(f"a,b,label\n{rows}")
    network = Network.initial(features=2, hidden=3, classes=2)
    save(Model(*network.parameters, class_names=("x", "y")), MODEL)
    Path("folder").mkdir()
    if os.name == "posix":
        Path("loop").symlink_to("loop")
        os.mkfifo("pipe")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def links(*names):
    Path("hard").hardlink_to(names[0])
    Path("link").symlink_to(names[0])


@pytest.mark.parametrize(
    "arguments",
    [
        (*TRAIN, "--out", "same", "--history", "same"),
        (*TRAIN, "--out", "same", "--history", "./same"),
        (*TRAIN, "--out", "same", "--history", "SAME"),
        (*TRAIN, "--out", "s.csv"),
        (*TRAIN, "--out", "hard"),
        (*TRAIN, "--out", "link"),
        (*TRAIN, "--history", "s.csv"),
        (*TRAIN, "--test", MODEL, "--out", MODEL),
        (*TRAIN, "--plots", "p", "--out", "p"),
        (*TRAIN, "--plots", "p", "--out", "p/weights.png"),
        (*TRAIN, "--plots", "folder", "--history", "folder/confusion.png"),
        (*VALUES, "--plots", "folder", "--history", "folder/predicted.png"),
        (*VALUES, "--plots", "folder", "--checkpoint", "folder/weights.png"),
        (*TRAIN, "--out", "new", "--history", "new/below"),
        ("train", "images", "--out", "images/cat/1.png"),
        ("train", "images", "--out", "images/model"),
        ("train", "images", "--plots", "images/cat"),
        ("train", "idx", "--out", "idx/train-images-idx3-ubyte"),
        ("predict", MODEL, "s.csv", "--out", MODEL),
        ("predict", MODEL, "s.csv", "--out", "s.csv"),
        ("predict", MODEL, "s.csv", "--out", "hard"),
        ("export", MODEL, "--out", MODEL),
        ("export", MODEL, "s.csv", "--out", "s.csv"),
        ("export", "page.html"),
        ("studio", "s.csv", "--out", "s.csv"),
        ("studio", MODEL, "s.csv", "--out", "link"),
    ],
)
def test_nothing_is_written_where_a_command_reads_or_writes_already(run, work_folder, arguments):
    links("s.csv")
    Path("page.html").write_bytes(Path(MODEL).read_bytes())
    Path("images", "cat").mkdir(parents=True)
    Path("images", "cat", "1.png").write_bytes(b"a picture")
    Path("idx").mkdir()
    Path("idx", "train-images-idx3-ubyte").write_bytes(b"digits")
    before = contents(work_folder)
    status, out, err = run(*arguments)
    assert (status, out) == (1, "")
    assert err.startswith("handgrad: ")
    assert err.count("\n") == 1
    assert "expected" in err or "name another file" in err
    assert contents(work_folder) == before


def test_an_export_spares_the_samples_that_the_model_was_trained_on(run):
    assert run(*TRAIN, "--out", "trained")[0] == 0
    before = Path("s.csv").read_bytes()
    status, _, err = run("export", "trained", "--out", "s.csv")
    assert status == 1
    assert "s.csv would be read and overwritten" in err
    assert Path("s.csv").read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="there are no such devices here")
def test_a_device_may_be_named_twice(run):
    assert run(*TRAIN, "--out", os.devnull, "--history", os.devnull)[0] == 0


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "-1",
        "0.5",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "1e-400",
        "",
        " ",
        "x",
        "0x10",
        "9" * 25,
        "9" * 5000,
        "٣",
        "1,5",
        "--",
        "3" * 18,
    ],
)
@pytest.mark.parametrize(
    ("option", "arguments"),
    [(option, TRAIN) for option in ("--hidden", "--iterations", "--learning-rate", "--seed")]
    + [
        ("--threads", TRAIN),
        ("--sample", ("trace", MODEL, "s.csv")),
        ("--learning-rate", ("trace", MODEL, "s.csv")),
        ("--samples", ("export", MODEL, "s.csv", "--out", "page")),
        ("--port", ("studio", "none.csv")),
        ("--threads", ("predict", MODEL, "s.csv")),
    ],
)
def test_a_number_that_cannot_be_is_refused_in_a_sentence(run, option, arguments, number):
    if (option, number) == ("--iterations", "3" * 18):
        number = "3" * 30
    status, _, err = run(*arguments, option, number)
    assert status in (0, 1, 2)
    assert bool(err) == (status > 0)
    assert "Traceback" not in err
    assert "Warning" not in err


@pytest.mark.parametrize("hidden", [10**9, 3 * 10**17, 10**30])
def test_a_network_beyond_the_memory_is_refused_before_any_is_taken(run, monkeypatch, hidden):
    monkeypatch.setattr(Network, "initial", None)  # to call it would be another error
    status, _, err = run(*TRAIN, "--hidden", hidden)
    assert status == 1
    assert "hidden" in err
    assert err.count("\n") == 1


PATHS = ["", "a\0b", "x" * 300, "x" * 5000, "d/" * 2000, "folder", "s.csv/below", "none/below"]
PATHS += ["loop", "loop/below", "socket", "pipe/below", "/dev/full", "/proc/none", "/proc/self/mem"]
PATHS += [".", "..", "/", "caf\udce9/below", "[/]", "\x1b[31m/below"]


@pytest.mark.skipif(os.name != "posix", reason="there are no such paths elsewhere")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "arguments",
    [
        (*TRAIN, "--out"),
        (*TRAIN, "--history"),
        (*TRAIN, "--test"),
        ("predict", MODEL, "s.csv", "--out"),
        ("predict", MODEL),
        ("export", MODEL, "s.csv", "--out"),
        ("export",),
        ("evaluate", MODEL),
        ("trace",),
        ("train",),
        ("studio", "s.csv", "--iterations", "0", "--out"),
        ("check",),
    ],
)
def test_a_path_that_cannot_be_is_refused_in_a_sentence(run, work_folder, arguments, path):
    before = contents(work_folder)
    status, _, err = run(*arguments, path)
    assert status in (1, 2) or path in (".", "..")  # a folder with a table is a source
    assert "Traceback" not in err
    assert "\x1b" not in err
    assert len(err) < 2000
    assert {place: contents(work_folder)[place] for place in before} == before
    assert not list(work_folder.glob(".handgrad-*"))


def test_a_folder_that_vanishes_during_training_is_told_with_what_is_lost(run, monkeypatch):
    Path("results").mkdir()

    def save_to_a_folder_that_is_gone(model, path):
        Path("results").rmdir()
        save(model, path)

    monkeypatch.setattr("handgrad.jobs.results.save", save_to_a_folder_that_is_gone)
    status, _, err = run(*TRAIN, "--out", "results/model.safetensors")
    assert status == 1
    assert "results/model.safetensors cannot be written: the folder" in err
    assert "The trained network is lost" in err


def test_ctrl_c_while_a_file_is_written_leaves_the_old_one(run, monkeypatch, work_folder):
    Path("model.safetensors").write_bytes(b"old")

    def interrupted(_descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    status, _, err = run(*TRAIN)
    assert (status, err) == (130, "")
    assert Path("model.safetensors").read_bytes() == b"old"
    assert not list(work_folder.glob(".handgrad-*"))


def test_a_save_of_another_process_is_left_alone(run):
    with temporary_file(Path("model.safetensors").resolve()) as (path, file):
        file.write(b"a part")
        assert run(*TRAIN)[0] == 0
        assert path.exists()


@pytest.fixture(params=[("f4", 3e37), ("f8", 1e308)], ids=["float32", "float64"])
def overflowing(request):
    """A model of finite weights whose logits are not finite."""
    dtype, size = request.param
    W1, b1, W2, b2 = (np.full(s, size, dtype) for s in ((3, 2), (3, 1), (2, 3), (2, 1)))
    save(Model(W1, b1, W2, b2, class_names=("x", "y")), "large.safetensors")
    return "large.safetensors"


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("command", ["evaluate", "predict"])
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_no_label_is_predicted_where_numbers_overflow(run, overflowing, command, engine, more):
    status, out, err = run(command, overflowing, "s.csv", "--engine", engine, *more)
    assert (status, out) == (1, "")
    assert "overflow float" in err
    assert err.count("\n") == 1


def test_a_trace_shows_what_overflows_and_warns_of_nothing(run, overflowing):
    for model in (overflowing, MODEL):
        status, out, err = run("trace", model, "s.csv", "--learning-rate", "1e308")
        assert (status, err) == (0, "")
        assert "inf" in out
        status, out, err = run("trace", model, "s.csv", "--learning-rate", "1e308", "--json")
        assert (status, err) == (0, "")
        assert json.loads(out, parse_constant=pytest.fail)


def test_what_overflows_can_be_exported(run, overflowing):
    assert run("export", overflowing, "s.csv", "--out", "page.html", "--json")[0] == 0


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_network_of_one_step_too_large_is_not_kept(run, more):
    Path("model.safetensors").write_bytes(b"old")
    status, out, err = run(*TRAIN[:2], "--learning-rate", "1e36", "--iterations", 1, *more)
    assert (status, out) == (1, "")
    assert "lower learning rate" in err
    assert Path("model.safetensors").read_bytes() == b"old"


def test_names_that_are_not_utf_8_come_out_the_same_everywhere(run):
    names = ("caf\udce9", "\x1b[31mred\nline", "[/]", "gr\u00fc\u00df\u3000e")
    network = Network.initial(features=2, hidden=3, classes=4)
    save(Model(*network.parameters, class_names=names), "names")
    Path("bare.csv").write_text("a,b\n1,2\n3,4\n")
    status, printed, _ = run("predict", "names", "bare.csv")
    assert status == 0
    heading = "sample,label,p_caf\\xe9,p_\\x1b[31mred\\nline,p_[/],p_gr\u00fc\u00df\u3000e"
    assert printed.splitlines()[0] == heading
    assert run("predict", "names", "bare.csv", "--out", "p.csv")[0] == 0
    assert Path("p.csv").read_text(encoding="utf-8") == printed
    status, printed, _ = run("predict", "names", "bare.csv", "--json")
    assert status == 0
    printed.encode()
    assert {row["label"] for row in json.loads(printed)} <= {"caf\\xe9", *names[1:]}
    status, out, err = run("trace", "names", "bare.csv")
    assert (status, "\x1b" in out + err) == (0, False)


@pytest.mark.skipif(os.name != "posix", reason="file names are always text elsewhere")
def test_folders_and_files_of_any_name_are_trained_on_drawn_and_predicted(run):
    from PIL import Image

    for name in (b"\x1b[31mred", b"$x^2$", b"[red]x"):
        folder = Path("images", os.fsdecode(name))
        folder.mkdir(parents=True)
        for i in range(5):
            pixels = np.random.default_rng(i).integers(256, size=(4, 4), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / os.fsdecode(b"p\xe9%d.png" % i))
    status, out, err = run(
        "train", "images", "--iterations", 2, "--plots", "plots", "--history", "h\udce9.csv"
    )
    assert (status, err) == (0, "")
    assert "\x1b" not in out
    assert "[red]x" in out
    assert load("model.safetensors").class_names == ("\x1b[31mred", "$x^2$", "[red]x")
    assert run("evaluate", "model.safetensors", "images", "--json")[0] == 0
    status, out, _ = run("predict", "model.safetensors", os.fsdecode(b"images/$x^2$"))
    assert status == 0
    assert out.splitlines()[1].startswith("p\\xe90.png,")
