"""What ends a command: streams that fail, Ctrl-C, and errors of any length."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from handgrad import Network, load, save
from handgrad.__main__ import main

TRAIN = ["train", "s.csv", "--iterations", "2"]
posix = pytest.mark.skipif(os.name != "posix", reason="streams are closed the POSIX way")


@pytest.fixture(autouse=True)
def work_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i / 20},{'xy'[i % 2]}\n" for i in range(20))
    Path("s.csv").write_text(f"a,label\n{rows}")
    return tmp_path


def shell(arguments, streams="", **environment):
    program = " ".join([f'"{sys.executable}"', "-m", "handgrad", *arguments, streams])
    return subprocess.run(
        ["/bin/sh", "-c", program], capture_output=True, check=False, env=os.environ | environment
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize("more", ["", "--json"])
def test_the_model_is_written_though_nobody_can_be_told(more):
    run = shell([*TRAIN, more], "2>/dev/full")
    assert run.returncode == 0
    assert run.stdout
    assert isinstance(load("model.safetensors"), Network)
    Path("model.safetensors").unlink()
    run = shell([*TRAIN, more], ">/dev/full")
    assert run.returncode == 1
    assert run.stderr == b"handgrad: The output cannot be written: No space left on device.\n"
    assert isinstance(load("model.safetensors"), Network)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_an_error_that_cannot_be_told_keeps_its_status():
    assert shell(["train", "none.csv"], "2>/dev/full").returncode == 1
    assert shell(["train", "--hidden", "x"], "2>/dev/full").returncode == 2


@posix
@pytest.mark.parametrize(
    "streams", [">&-", "2>&-", "<&-", "<&- >&-", "<&- >&- 2>&-", ">&- 2>&-", "<&- 2>&-"]
)
def test_no_file_takes_the_place_of_a_closed_stream(streams):
    run = shell(TRAIN, streams)
    assert run.returncode == 0
    assert b"Traceback" not in run.stderr
    assert isinstance(load("model.safetensors"), Network)


@posix
def test_a_watched_run_needs_no_standard_input():
    run = subprocess.Popen(
        ["/bin/sh", "-c", f'exec "{sys.executable}" -m handgrad train s.csv --watch --port 0 <&-'],
        stderr=subprocess.PIPE,
        text=True,
        env={k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")},
    )
    said = ""
    while "stays until" not in said:
        assert run.stderr is not None
        line = run.stderr.readline()
        assert line, said
        said += line
    run.send_signal(signal.SIGINT)
    run.communicate()
    assert run.returncode == 0
    assert isinstance(load("model.safetensors"), Network)


@posix
def test_a_reader_that_has_seen_enough_ends_the_job_without_a_word():
    save(Network.initial(features=1, hidden=2, classes=2), "m.safetensors")
    rows = "".join(f"{i}\n" for i in range(50_000))
    Path("many.csv").write_text(f"a\n{rows}")
    run = shell(["predict", "m.safetensors", "many.csv"], "| head -n 1")
    assert run.stdout == b"sample,label,p_0,p_1\n"
    assert run.stderr == b""


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


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize(
    "arguments", [["check"], ["--help"], ["predict", "größe.safetensors", "none.csv"]]
)
def test_signs_that_a_terminal_cannot_show_are_not_a_failure(encoding, arguments):
    run = subprocess.run(
        [sys.executable, "-m", "handgrad", *arguments],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LANG": "C.UTF-8"},
        check=False,
    )
    assert run.returncode == (1 if "predict" in arguments else 0)
    assert b"Traceback" not in run.stderr
    assert run.stdout or b"does not exist" in run.stderr


@posix
@pytest.mark.parametrize(
    "environment",
    [
        {"COLUMNS": "1"},
        {"TERM": "dumb"},
        {"NO_COLOR": "1"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
    ],
)
def test_any_terminal_will_do(environment):
    for arguments, status in ((TRAIN, 0), (["train", "--hidden", "größe"], 2)):
        run = shell(arguments, **environment)
        assert run.returncode == status
        assert b"Traceback" not in run.stderr


# Runs the command line, and presses Ctrl-C when Python tells of an event for the n-th time.
INTERRUPTED = """
import signal, sys
from handgrad.__main__ import main
name, left = sys.argv.pop(1), int(sys.argv.pop(1))
def press(event, _):
    global left
    left -= event == name
    if event == name and left == 0:
        signal.raise_signal(signal.SIGINT)
sys.addaudithook(press)
main()
"""


@posix
@pytest.mark.parametrize(
    "moment",
    [
        *(("import", 1), ("import", 50), ("import", 150), ("import", 250)),
        *(("open", 1), ("open", 100), ("open", 200), ("open", 300)),
        *(("fcntl.flock", 1), ("fcntl.flock", 2), ("os.rename", 1)),
    ],
    ids=str,
)
def test_ctrl_c_at_any_moment_leaves_no_traceback_and_no_part_of_a_file(work_folder, moment):
    name, count = moment
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, name, str(count), *TRAIN],
        capture_output=True,
        check=False,
    )
    assert run.returncode in (0, 130, -signal.SIGINT)
    assert b"Traceback" not in run.stderr
    assert {path.name for path in work_folder.iterdir()} <= {"s.csv", "model.safetensors"}


def test_a_missing_working_folder_is_told_as_such(work_folder, monkeypatch, capsys):
    folder = work_folder / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(SystemExit) as exit_:
        main(["train", "../s.csv"])
    assert exit_.value.code == 1
    assert "model.safetensors cannot be written" in capsys.readouterr().err
