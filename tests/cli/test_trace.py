"""The command `trace`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from handgrad import Network, backpropagation, load, notes, save
from handgrad.derivation.formulas import FORMULAS
from handgrad.model import Model


def test_a_trace_under_json_holds_every_matrix(run_json, model, flowers):
    steps = run_json("trace", model, flowers, "--label", "species", "--sample", 149)
    assert {step["formula"] for step in steps} == {"", *FORMULAS}
    (Z1,) = (step["value"] for step in steps if step["name"] == "Z1")
    expected = notes.forward(load(model), load_iris().data[149:]).Z1
    np.testing.assert_allclose(Z1, expected, rtol=1e-6)


def test_a_sample_that_is_not_there_is_wrong_usage(run, model, flowers):
    status, _, err = run("trace", model, flowers, "--label", "species", "--sample", 150)
    assert status == 2
    assert "150 samples" in err


def columns(text):
    """Write a table with two features and the columns a and b."""
    Path("table.csv").write_text(text)
    return "table.csv"


@pytest.mark.parametrize(
    ("settings", "text", "target", "note"),
    [
        (
            {"classes": 3, "activation": "logistic", "hidden": (4, 3)},
            "x,z,label\n1,2,dog\n3,4,cat\n",
            [2],
            "Rows of Z3 and A3: 0 bird, 1 cat, 2 dog.",
        ),
        (
            {"classes": 2, "output": "logistic", "hidden": ()},
            "x,z,b,a\n1,2,0,1\n3,4,1,1\n",
            [[1, 0]],
            "Rows of Z1 and A1: 0 a, 1 b.",
        ),
        (
            {"classes": 2, "output": "identity", "activation": "tanh", "hidden": (3,)},
            "a,b,x,z\n0.5,-2,1,2\n3,4,1,1\n",
            [[0.5, -2]],
            "Rows of Z2 and A2: 0 a, 1 b.",
        ),
        (
            {"classes": 1, "output": "exp", "hidden": (3, 3, 3)},
            "a,x,z\n7,1,2\n3,4,1\n",
            [[7]],
            "Rows of Z4 and A4: 0 a.",
        ),
    ],
    ids=["classes", "labels", "values", "counts"],
)
def test_any_depth_and_output_is_traced(run, run_json, settings, text, target, note):
    network = Network.initial(features=2, **settings)
    names = {"classes": ("bird", "cat", "dog"), "labels": ("a", "b")}.get(
        network.predicts, ("a", "b")[: network.K]
    )
    save(Model.of(network, class_names=names, feature_names=("x", "z")), "deep.safetensors")
    source = columns(text)
    steps = run_json("trace", "deep.safetensors", source)
    found = {(step["formula"], step["name"]): step["value"] for step in steps}
    X, y = np.array([[1.0, 2.0]]), np.array(target)
    passes = backpropagation.forward(network, X)
    gradient = backpropagation.backward(network, X, y, passes)
    assert found["", "y"] == target
    last = len(network.layers)
    np.testing.assert_allclose(found["O1", f"A{last}"], passes[-1].A, rtol=1e-6)
    for number in range(1, last + 1):
        np.testing.assert_allclose(found["L3", f"dW{number}"], gradient[2 * number - 2], rtol=1e-5)
        np.testing.assert_allclose(found["L4", f"db{number}"], gradient[2 * number - 1], rtol=1e-5)
    status, out, _ = run("trace", "deep.safetensors", source, "--full")
    assert status == 0
    assert f"Z{last} = W{last} · " in out
    assert note in out


def test_without_targets_a_trace_of_values_ends_with_the_prediction(run_json):
    network = Network.initial(features=2, hidden=(3, 3), classes=1, output="identity")
    save(Model.of(network, class_names=("price",), feature_names=("x", "z")), "deep.safetensors")
    steps = run_json("trace", "deep.safetensors", columns("x,z\n1,2\n"))
    assert [steps[-1]["formula"], steps[-1]["name"]] == ["O4", "ŷ"]
