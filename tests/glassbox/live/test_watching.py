"""How a command serves the page: what it takes for a model, and which browser it opens."""

from __future__ import annotations

import sys
import webbrowser
from typing import Any

import pytest

from handgrad import Network, save
from handgrad.glassbox.live import watching


class Server:
    """Has addresses, and notes how many it gave away."""

    def __init__(self):
        self.given = 0

    def address_for_one_use(self):
        self.given += 1
        return f"http://127.0.0.1/open/{self.given}"


def test_a_browser_is_opened_only_where_there_is_a_display(monkeypatch):
    opened: list[str] = []
    server: Any = Server()

    def open_(address):
        opened.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", open_)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert watching.open_in_browser(server) is False
    assert server.given == 0
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert watching.open_in_browser(server, "#view=descend") is True
    assert opened == ["http://127.0.0.1/open/1#view=descend"]


@pytest.mark.parametrize("error", [webbrowser.Error("none"), FileNotFoundError(2, "none")])
def test_a_browser_that_does_not_start_is_not_a_failure(monkeypatch, error):
    def fail(_address):
        raise error

    monkeypatch.setattr(webbrowser, "open", fail)
    monkeypatch.setattr(watching, "_has_display", lambda: True)
    server: Any = Server()
    assert watching.open_in_browser(server) is False


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((None, None), (None, "mnist-5k")),
        (("mnist", None), (None, "mnist")),
        (("a.safetensors", None), ("a.safetensors", "mnist-5k")),
        (("a.safetensors", "mnist"), ("a.safetensors", "mnist")),
        (("anything", "mnist"), ("anything", "mnist")),
        (("anything", ""), ("anything", "")),
    ],
)
def test_a_model_is_told_from_a_source(arguments, expected):
    path, source = watching.model_and_source(*arguments)
    assert (path and str(path), source) == expected


def test_a_model_of_any_name_is_told_from_a_source(tmp_path):
    save(Network.initial(features=2, hidden=2, classes=2), tmp_path / "model.bin")
    (tmp_path / "source.csv").write_text("a,label\n1,x\n")
    model, source = str(tmp_path / "model.bin"), str(tmp_path / "source.csv")
    assert watching.model_and_source(model, None) == (tmp_path / "model.bin", "mnist-5k")
    assert watching.model_and_source(source, None) == (None, source)
