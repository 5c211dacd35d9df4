"""`handgrad train --watch` and `handgrad studio`, as processes of their own."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import numpy as np
import pytest
from safetensors.numpy import load_file

from handgrad import Network, data, get_engine, load, save
from handgrad.model import Model
from texts import embedded_data

PATIENCE = 60  # seconds, for what takes far less

ENDINGS = [signal.SIGINT]
if os.name == "posix":
    ENDINGS += [signal.SIGTERM, signal.SIGHUP]


class Program:
    """A command that serves the page; its address stands in the first line of a stream."""

    def __init__(self, process, stream):
        self.process = process
        self.lines = []
        for line in stream:
            self.lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/\S+/", line):
                self.address = found[0]
                return
        raise AssertionError(f"no address, but: {self.lines} {process.stderr.read()}")

    def ask(self, what, method="post"):
        return getattr(httpx, method)(self.address + what, timeout=PATIENCE)

    def state(self):
        """The newest state, as a page that has just come sees it."""
        with httpx.stream("GET", self.address + "events", timeout=PATIENCE) as response:
            lines = response.iter_lines()
            next(line for line in lines if line == "event: state")
            return json.loads(next(lines).removeprefix("data: "))

    def wait_for(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition(state := self.state()):
            assert time.monotonic() < end, state
        return state

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, err
        assert "Traceback" not in out + err
        return out, err


@contextmanager
def program(folder, *arguments, stream="stderr"):
    process = subprocess.Popen(
        [sys.executable, "-m", "handgrad", *map(str, arguments), "--no-browser"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        yield Program(process, getattr(process, stream))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_run_that_is_watched_is_trained_and_written_as_always(tmp_path):
    with program(tmp_path, "train", "digits", "--watch", "--iterations", 60, "--json") as watched:
        figures = json.loads(watched.process.stdout.readline())
        page = watched.ask("", "get")
        state = watched.state()
        watched.end()
    assert page.status_code == 200
    assert (state["running"], state["iteration"]) == (False, 60)
    subprocess.run(
        [sys.executable, "-m", "handgrad", "train", "digits", "--iterations", "60", "--out", "b"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    there, alone = load_file(tmp_path / "model.safetensors"), load_file(tmp_path / "b")
    assert set(there) == set(alone)
    for name, expected in alone.items():
        np.testing.assert_array_equal(there[name], expected)
    assert figures["iterations"] == 60
    assert figures["model"] == "model.safetensors"


def test_the_page_stops_the_run_as_ctrl_c_does_and_can_train_on(tmp_path):
    with program(tmp_path, "train", "mnist-5k", "--watch", "--iterations", 10**7) as watched:
        watched.wait_for(lambda state: state["running"] and state["iteration"] > 10)
        assert watched.ask("stop").status_code == 200
        stopped = watched.wait_for(lambda state: not state["running"])
        text = ""
        while "model: model.safetensors" not in text:
            text += watched.process.stdout.readline()
        assert "the best network is kept" in text
        assert load(tmp_path / "model.safetensors").training["stopped"] is True
        watched.ask("start")
        watched.wait_for(lambda state: state["iteration"] > stopped["iteration"])
        watched.end()


@pytest.mark.parametrize("number", ENDINGS)
def test_a_signal_ends_the_run_writes_the_model_and_the_status_is_0(tmp_path, number):
    with program(tmp_path, "train", "mnist-5k", "--watch", "--iterations", 10**7) as watched:
        watched.wait_for(lambda state: state["running"] and state["iteration"] > 10)
        out, _ = watched.end(number)
    assert "the best network is kept" in out
    assert load(tmp_path / "model.safetensors").training["stopped"] is True


def test_a_learning_rate_that_the_page_changed_is_written_down(tmp_path):
    with program(tmp_path, "train", "mnist-5k", "--watch", "--iterations", 10**7) as watched:
        watched.wait_for(lambda state: state["running"])
        address = watched.address + "learning-rate"
        assert httpx.post(address, json={"learningRate": 0.3}).status_code == 200
        watched.wait_for(lambda state: state["learningRate"] == 0.3)
        watched.end()
    assert load(tmp_path / "model.safetensors").training["learning_rate"] == 0.3


@pytest.mark.parametrize("number", ENDINGS)
def test_a_signal_ends_the_studio_and_its_run(tmp_path, number):
    with program(tmp_path, "studio", "digits", "--iterations", 10**7, stream="stdout") as studio:
        assert studio.state()["iteration"] == 0
        studio.ask("start")
        studio.wait_for(lambda state: state["iteration"] > 10)
        studio.end(number)


@pytest.mark.skipif(os.name != "posix", reason="terminals are closed otherwise elsewhere")
@pytest.mark.parametrize("command", ["studio", "train"])
def test_closing_the_terminal_ends_it(tmp_path, command):
    import pty  # not there on every system

    arguments = {"studio": ["studio"], "train": ["train", "--watch"]}[command]
    arguments += ["digits", "--iterations", str(10**7), "--no-browser"]
    take_the_terminal = (
        "import fcntl, runpy, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        "sys.argv[0] = 'handgrad'; runpy.run_module('handgrad', run_name='__main__')"
    )
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", take_the_terminal, *arguments],
        cwd=tmp_path,
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        start_new_session=True,
    )
    os.close(its_end)
    shown = b""
    while not (found := re.search(rb"http://127\.0\.0\.1:\d+/[\w-]+/", shown)):
        shown += os.read(terminal, 4096)
    address = found[0].decode()
    with httpx.stream("GET", address + "events", timeout=PATIENCE) as events:  # a run waits for it
        httpx.post(address + "start", timeout=PATIENCE)
        lines = events.iter_lines()
        sent = (json.loads(line[6:]) for line in lines if line.startswith("data: "))
        next(data for data in sent if data["iteration"] > 10)
        os.close(terminal)
        assert any(not data.get("running", True) for data in sent)
    assert process.wait(PATIENCE) == 0
    if command == "train":
        assert load(tmp_path / "model.safetensors").training["stopped"] is True


def test_the_studio_continues_with_a_model_and_writes_what_it_became(tmp_path):
    digits = data.load("digits")
    network, _ = get_engine().descend(
        Network.initial(features=64, hidden=6, classes=10, seed=4),
        digits.X_train,
        digits.y_train,
        learning_rate=0.1,
        iterations=5,
    )
    model = Model(
        *network.parameters, class_names=digits.class_names, image_shape=digits.image_shape
    )
    save(model, tmp_path / "model.safetensors")
    arguments = ("studio", "model.safetensors", "digits", "--iterations", 30, "--out", "on")
    with program(tmp_path, *arguments, "--json", stream="stdout") as studio:
        assert json.loads(studio.lines[0])["address"].startswith(studio.address)
        page = studio.ask("", "get").text
        payload = json.loads(embedded_data(page))
        assert payload["model"]["hidden"] == 6
        assert payload["live"] is True
        studio.ask("start")
        studio.wait_for(lambda state: state["iteration"] == 30 and not state["running"])
        studio.end()
    expected, _ = get_engine().descend(
        network, digits.X_train, digits.y_train, learning_rate=0.1, iterations=30
    )
    np.testing.assert_array_equal(load(tmp_path / "on").W1, expected.W1)


def test_two_studios_at_once_find_two_ports(tmp_path):
    with (
        program(tmp_path, "studio", "digits", stream="stdout") as first,
        program(tmp_path, "studio", "digits", stream="stdout") as second,
    ):
        assert first.address.split("/")[2] != second.address.split("/")[2]
        for studio in (first, second):
            assert studio.ask("", "get").status_code == 200
        first.end()
        second.end()


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("studio", "nothing.csv"), 1, "nothing.csv"),
        (("studio", "no.safetensors"), 1, "no.safetensors"),
        (("studio", "digits", "--hidden", "65"), 1, "65 hidden units"),
        (("train", "digits", "--watch", "--hidden", "65"), 1, "65 hidden units"),
        # None of these reads the source: the page does not show such networks.
        (("studio", "gone.csv", "--hidden", "9,9"), 1, "2 hidden layers of relu units"),
        (("studio", "gone.csv", "--hidden", "0"), 1, "no hidden layer"),
        (("train", "gone.csv", "--watch", "--hidden", "9,9"), 1, "2 hidden layers of relu"),
        (("train", "gone.csv", "--watch", "--activation", "tanh"), 1, "layer of tanh units"),
        (("train", "gone.csv", "--watch", "--regression"), 1, "an identity output"),
        (("train", "gone.csv", "--watch", "--label", "a,b"), 1, "a logistic output"),
        (("studio", "digits", "--port", "70000"), 2, "65535"),
        (("studio", "digits", "--learning-rate", "0"), 2, "above 0"),
        (("studio", "digits", "--out", "no/where"), 1, "no/where cannot be written"),
    ],
)
def test_what_cannot_be_served_is_refused_in_a_sentence(run, arguments, status, sentence):
    code, out, err = run(*arguments, "--no-browser")
    assert (code, out) == (status, "")
    assert sentence in err
    assert "Traceback" not in err


def test_a_model_of_other_features_or_classes_is_refused(run, tmp_path):
    digits = data.load("digits")
    network = Network.initial(features=3, hidden=2, classes=10)
    save(Model(*network.parameters, class_names=digits.class_names), tmp_path / "a.safetensors")
    network = Network.initial(features=64, hidden=2, classes=2)
    save(Model(*network.parameters, class_names=("x", "y")), tmp_path / "b.safetensors")
    for file, sentence in (
        ("a", "64 features per sample"),
        ("b", "which the network does not know"),
    ):
        status, _, err = run("studio", f"{file}.safetensors", "digits", "--no-browser")
        assert status == 1
        assert sentence in " ".join(err.split())


def test_a_model_that_the_page_does_not_show_is_refused_before_its_source_is_read(run, tmp_path):
    network = Network.initial(features=3, hidden=(4, 4), classes=1, output="identity")
    save(Model.of(network), tmp_path / "values.safetensors")
    status, out, err = run("studio", "values.safetensors", "gone.csv", "--no-browser")
    assert (status, out) == (1, "")
    assert err.startswith("handgrad: The page shows networks with one hidden layer of ReLU units")
    assert "2 hidden layers of relu units and an identity output" in err


def test_a_resumed_run_that_the_page_does_not_show_is_refused_before_it_trains(run, tmp_path):
    of_a_run = ("--hidden", "5,4", "--iterations", "3", "--checkpoint", "c.safetensors")
    assert run("train", "digits", *of_a_run)[0] == 0
    (tmp_path / "model.safetensors").unlink()
    status, _, err = run(
        "train", "--resume", "c.safetensors", "--iterations", "9", "--watch", "--no-browser"
    )
    assert status == 1
    assert "2 hidden layers of relu units and a softmax output" in err
    assert "Traceback" not in err
    assert not (tmp_path / "model.safetensors").exists()


def test_without_its_packages_the_page_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "handgrad.glassbox.live.server", None)
    status, _, err = run("studio", "digits", "--no-browser")
    assert status == 1
    assert "pip install 'handgrad[studio]'" in err


@pytest.mark.skipif(os.name != "posix", reason="browsers are named otherwise elsewhere")
def test_no_argument_of_the_browser_holds_the_token(tmp_path):
    browser = tmp_path / "browser"
    seen = tmp_path / "seen"
    os.mkfifo(seen)  # what the browser writes into it can be waited for
    reading = os.open(seen, os.O_RDWR)
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$0" "$@" >"{seen}"\n')
    browser.chmod(0o700)
    environment = os.environ | {"BROWSER": f"{browser} %s", "DISPLAY": ":9"}
    process = subprocess.Popen(
        [sys.executable, "-m", "handgrad", "studio", "digits"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        studio = Program(process, process.stdout)
        assert select.select([reading], [], [], PATIENCE)[0]
        _, given = os.read(reading, 4096).decode().splitlines()
        token = studio.address.rstrip("/").rpartition("/")[2]
        assert token not in given
        assert given.endswith("#view=descend")
        opened = httpx.get(given, timeout=PATIENCE, follow_redirects=True)
        assert opened.status_code == 200
        assert str(opened.url).partition("#")[0] == studio.address
        assert httpx.get(given, timeout=PATIENCE, follow_redirects=True).status_code == 403
        assert studio.ask("", "get").status_code == 200
        studio.end()
    finally:
        os.close(reading)
        process.kill()
        process.communicate()


def test_the_studio_may_continue_with_a_model_and_save_it_in_its_place(tmp_path):
    save(Network.initial(features=64, hidden=6, classes=10, seed=4), tmp_path / "model.safetensors")
    before = load(tmp_path / "model.safetensors").W2
    arguments = ("studio", "model.safetensors", "digits", "--out", "model.safetensors")
    with program(tmp_path, *arguments, "--iterations", 5, stream="stdout") as studio:
        studio.ask("start")
        studio.wait_for(lambda state: state["iteration"] == 5 and not state["running"])
        studio.end()
    assert (before != load(tmp_path / "model.safetensors").W2).any()
