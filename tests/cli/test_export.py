"""The command `export`."""

from __future__ import annotations

import json

import numpy as np
import pytest

from handgrad import Network, save
from handgrad.model import Model
from texts import embedded_data


def payload_of(path):
    return json.loads(embedded_data(path.read_text(encoding="utf-8")))


def model_of(network, **known):
    names = tuple(map(str, range(network.K)))
    return Model(*network.parameters, **({"class_names": names} | known))


@pytest.fixture
def model():
    save(model_of(Network.initial(), image_shape=(28, 28)), "model.safetensors")
    return "model.safetensors"


def test_the_page_takes_the_models_own_samples(run, model, tmp_path):
    status, out, _ = run("export", model, "--format", "html", "--out", "digits.html")
    assert status == 0
    assert "digits.html" in out
    assert payload_of(tmp_path / "digits.html")["samples"]["count"] == 500


def test_the_page_lies_beside_the_model_and_takes_so_many_samples(run, model, tmp_path):
    status, out, _ = run("export", model, "mnist-5k", "--samples", 20, "--json")
    assert status == 0
    told = json.loads(out)
    assert told["file"] == "model.html"
    assert told["samples"] == 20
    assert told["bytes"] == (tmp_path / "model.html").stat().st_size
    assert np.bincount(payload_of(tmp_path / "model.html")["samples"]["y"]).tolist() == [2] * 10


def test_the_page_can_leave_samples_out(run, model, tmp_path):
    assert run("export", model, "--samples", 0)[0] == 0
    assert payload_of(tmp_path / "model.html")["samples"]["count"] == 0


def test_a_page_without_samples_says_so_and_works(run, tmp_path):
    save(Network.initial(features=3, hidden=2, classes=2), "small.safetensors")
    status, _, err = run("export", "small.safetensors")
    assert status == 0
    assert "drawings" in err
    assert (tmp_path / "small.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["model.safetensors", "gone.csv"], 1, "gone.csv does not exist"),
        (["gone.safetensors"], 1, "gone.safetensors does not exist"),
        (["model.safetensors", "--out", "no/where.html"], 1, "no/where.html"),
        (["model.safetensors", "--format", "pdf"], 2, "pdf"),
        (["model.safetensors", "--samples", "501"], 2, "500"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(run, model, arguments, status, sentence):
    del model
    found, _, err = run("export", *arguments)
    assert found == status
    assert sentence in err
    assert "Traceback" not in err


def test_a_network_too_large_for_the_page_is_refused(run, tmp_path):
    save(Network.initial(hidden=100), "large.safetensors")
    status, _, err = run("export", "large.safetensors")
    assert status == 1
    assert "100 hidden units" in err
    assert not (tmp_path / "large.html").exists()


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"hidden": (5, 4)}, "2 hidden layers of relu units"),
        ({"activation": "tanh"}, "one hidden layer of tanh units"),
        ({"output": "identity"}, "an identity output"),
    ],
)
def test_a_network_that_the_page_does_not_show_is_one_sentence(run, tmp_path, settings, found):
    network = Network.initial(**({"features": 3, "hidden": 4, "classes": 3} | settings))
    save(Model.of(network), "other.safetensors")
    status, out, err = run("export", "other.safetensors", "gone.csv")
    assert (status, out) == (1, "")
    assert err.startswith("handgrad: The page shows networks with one hidden layer of ReLU units")
    assert found in " ".join(err.split())
    assert err.count("\n") == 1
    assert not (tmp_path / "other.html").exists()
