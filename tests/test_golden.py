"""Figures of PyTorch, its autograd and its optimisers, computed once and kept as files.

`golden/make.py` writes `golden/figures.json`, about small problems of odd sizes, and
`golden/make_layers.py` writes `golden/layers.json`, about networks of any depth. The figures of
whole runs on MNIST are larger and lie outside the repository.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from scipy import sparse

from handgrad import Network, backpropagation, data, get_engine, notes
from handgrad.engines import Adam, Sgd, available_engines
from handgrad.layers import ACTIVATIONS, Layer
from handgrad.network import OUTPUTS
from handgrad.objective import Objective

NAMES = ("W1", "b1", "W2", "b2")
TOLERANCE = 1e-10
TOLERANCES = {"float64": TOLERANCE, "float32": 1e-5}
LAYERS = json.loads((Path(__file__).parent / "golden" / "layers.json").read_text())
PROBLEMS = json.loads((Path(__file__).parent / "golden" / "figures.json").read_text())["problems"]


def every_engine():
    """The reference, and the native engine with each instruction set of this machine."""
    engines = [pytest.param(get_engine("reference"), id="reference")]
    if "native" in available_engines():
        from handgrad.engines._native import instruction_sets

        for name in instruction_sets():
            with mock.patch.dict(os.environ, {"HANDGRAD_INSTRUCTION_SET": name}):
                engines.append(pytest.param(get_engine("native", threads=2), id=f"native-{name}"))
    return engines


engines = pytest.mark.parametrize("engine", every_engine())
dtypes = pytest.mark.parametrize("dtype", TOLERANCES)
forms = pytest.mark.parametrize("form", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])


def problems_with(name):
    return pytest.mark.parametrize(
        "problem", [pytest.param(p, id=key) for key, p in PROBLEMS.items() if name in p]
    )


def numbers(text: str) -> list[int] | list[float]:
    return [float.fromhex(n) if "0x" in n else int(n) for n in text.split()]


def matrix(rows: list[str]) -> np.ndarray:
    found = np.array([numbers(row) for row in rows])
    return found.astype(np.uint8) if found.dtype.kind == "i" else found


def matrices(named: dict[str, list[str]]) -> list[np.ndarray]:
    return [matrix(named[name]) for name in NAMES]


def network_of(problem, dtype) -> Network:
    return Network(*matrices(problem["initial"])).astype(dtype)


def rows_of(problem, form):
    """Return rows, labels and weights."""
    weights = numbers(problem["weights"]) if problem.get("weights") else None
    return form(matrix(problem["X"])), numbers(problem["y"]), weights


def assert_close(found, expected, dtype):
    """Equal to 1e-10 of the matrix's largest entry in float64, to 1e-5 in float32."""
    atol = TOLERANCES[dtype] * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def assert_all_close(found, expected, dtype):
    for array, named in zip(found, matrices(expected), strict=True):
        assert array.dtype == dtype
        assert_close(array, named, dtype)


@engines
@dtypes
@forms
@problems_with("gradient")
def test_cost_gradient_and_probabilities_are_pytorchs(problem, form, dtype, engine):
    network = network_of(problem, dtype)
    X, y, weights = rows_of(problem, form)
    cost, gradient = engine.cost_and_gradient(network, X, y, sample_weight=weights)
    assert cost == pytest.approx(float.fromhex(problem["cost"]), rel=TOLERANCES[dtype])
    assert_all_close(gradient, problem["gradient"], dtype)
    assert_close(engine.predict_proba(network, X), matrix(problem["probabilities"]), dtype)


@engines
@dtypes
@forms
@problems_with("descent")
def test_ten_steps_of_descent_are_pytorchs(problem, form, dtype, engine):
    expected = problem["descent"]
    X, y, weights = rows_of(problem, form)
    network, costs = engine.descend(
        network_of(problem, dtype),
        X,
        y,
        learning_rate=float.fromhex(expected["learning_rate"]),
        alpha=float.fromhex(expected["alpha"]),
        iterations=10,
        sample_weight=weights,
    )
    assert_close(costs, numbers(expected["costs"]), dtype)
    assert_all_close(network.parameters, expected["final"], dtype)


@engines
@dtypes
@forms
@problems_with("logistic descent")
def test_a_logistic_output_descends_as_pytorchs_does(problem, form, dtype, engine):
    expected = problem["logistic descent"]
    X, y, _ = rows_of(problem, form)
    W1, b1, W2, b2 = network_of(problem, dtype).parameters
    network, costs = engine.descend(
        Network(W1, b1, W2[1:], b2[1:], output="logistic"),
        X,
        y,
        learning_rate=float.fromhex(expected["learning_rate"]),
        iterations=10,
    )
    assert_close(costs, numbers(expected["costs"]), dtype)
    assert_all_close(network.as_softmax().parameters, expected["final"], dtype)


@engines
@dtypes
@forms
@pytest.mark.parametrize("name", PROBLEMS["pixels"]["batches"])
@problems_with("batches")
def test_two_epochs_of_batches_are_pytorchs_optimisers(problem, name, form, dtype, engine):
    expected = problem["batches"][name]
    settings: dict[str, Any] = {
        key: value if isinstance(value, bool) else float.fromhex(value)
        for key, value in expected["rule"].items()
    }
    X, y, weights = rows_of(problem, form)
    run = engine.batches(
        network_of(problem, dtype),
        X,
        y,
        rule=Adam(**settings) if "epsilon" in settings else Sgd(**settings),
        batch_size=expected["batch_size"],
        alpha=float.fromhex(expected["alpha"]),
        sample_weight=weights,
    )
    costs = np.concatenate([run.epoch(numbers(order)) for order in expected["orders"]])
    assert_close(costs, numbers(expected["costs"]), dtype)
    assert_all_close(run.network.parameters, expected["final"], dtype)


of_any_depth = pytest.mark.parametrize(
    "problem", [pytest.param(p, id=key) for key, p in LAYERS["problems"].items()]
)


def multiples(rows: list[str]) -> np.ndarray:
    found: np.ndarray = np.array([numbers(row) for row in rows]) / LAYERS["unit"]
    return found


def layered(problem) -> tuple[Network, np.ndarray, np.ndarray]:
    """Return network, rows and targets of a problem of any depth."""
    arrays = [multiples(rows) for rows in LAYERS["networks"][str(problem["layers"])]]
    arrays[-2:] = [array[: problem["K"]] for array in arrays[-2:]]
    activations = [problem["activation"]] * (problem["layers"] - 1) + ["identity"]
    pairs = zip(arrays[::2], arrays[1::2], activations, strict=True)
    network = Network.of_layers([Layer(*layer) for layer in pairs], problem["output"])
    given = LAYERS["targets"][problem["targets"]]
    if isinstance(given, str):
        y = np.array(numbers(given))
    else:
        y = multiples(given) if problem["targets"] == "values" else matrix(given)
    return network, multiples(LAYERS["X"]), y


def assert_gradient(found, problem):
    for array, rows in zip(found, problem["gradient"], strict=True):
        assert array.dtype == np.float64
        assert_close(array, matrix(rows), "float64")


def test_the_figures_hold_each_depth_with_each_activation_and_output():
    held = {(p["layers"], p["activation"], p["targets"]) for p in LAYERS["problems"].values()}
    outputs = {p["output"] for p in LAYERS["problems"].values()}
    assert outputs == set(OUTPUTS)
    for targets in LAYERS["targets"]:
        assert (1, "identity", targets) in held
        for layers in (2, 3, 4):
            assert {(layers, activation, targets) for activation in ACTIVATIONS} <= held


@of_any_depth
def test_backpropagation_through_any_depth_is_pytorchs(problem):
    network, X, y = layered(problem)
    passes = backpropagation.forward(network, X)
    assert backpropagation.cost(network, X, y) == pytest.approx(
        float.fromhex(problem["cost"]), rel=TOLERANCE
    )
    assert_close(passes[-1].A.T, matrix(problem["outputs"]), "float64")
    assert_gradient(backpropagation.backward(network, X, y, passes), problem)


@engines
@of_any_depth
def test_engines_go_through_any_depth_as_pytorch_does(problem, engine):
    network, X, y = layered(problem)
    for form in (np.asarray, sparse.csr_array):
        session = engine.session(form(X), y, Objective(network.output))
        measured = session.cost_and_gradient(network)
        assert measured.cost == pytest.approx(float.fromhex(problem["cost"]), rel=TOLERANCE)
        assert_gradient(measured.gradient, problem)
        outputs = engine.outputs(network, form(X))
        assert_close(outputs[:, -network.K :], matrix(problem["outputs"]), "float64")


@pytest.fixture(scope="module")
def mnist(mnist_folder):
    return data.load(mnist_folder)


def initial_network(golden) -> Network:
    return Network(*(golden[f"init_{name}"].astype(np.float64) for name in NAMES))


def assert_same(found, expected):
    """Equal to 1e-10 of the matrix's largest entry."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


@pytest.fixture(scope="module")
def small(golden_folder):
    with np.load(golden_folder / "gd_512_rows_20_steps.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def whole(golden_folder):
    with np.load(golden_folder / "gd_60000_rows_500_steps.npz") as file:
        return dict(file)


def test_the_first_gradient_on_512_digits_is_pytorchs(small, mnist):
    X, y = mnist.X_train[small["indices"]], mnist.y_train[small["indices"]]
    network = initial_network(small)
    gradient = notes.backward(network, X, y, notes.forward(network, X))
    for name, matrix in zip(NAMES, gradient, strict=True):
        assert_same(matrix, small[f"grad0_{name}"])


def test_twenty_steps_on_512_digits_are_pytorchs(small, mnist):
    X, y = mnist.X_train[small["indices"]], mnist.y_train[small["indices"]]
    network, costs = get_engine("reference").descend(
        initial_network(small), X, y, learning_rate=0.1, iterations=20
    )
    np.testing.assert_allclose(costs, small["cost_512"], rtol=TOLERANCE)
    for name, parameter in zip(NAMES, network.parameters, strict=True):
        assert_same(parameter, small[f"after20_{name}"])


def test_the_first_twenty_steps_on_60000_digits_are_pytorchs(whole, mnist):
    _, costs = get_engine("reference").descend(
        initial_network(whole), mnist.X_train, mnist.y_train, learning_rate=0.1, iterations=20
    )
    np.testing.assert_allclose(costs, whole["cost"][:20], rtol=TOLERANCE)


@pytest.mark.slow
def test_five_hundred_steps_on_60000_digits_are_pytorchs(whole, mnist):
    network, costs = get_engine("reference").descend(
        initial_network(whole), mnist.X_train, mnist.y_train, learning_rate=0.1, iterations=500
    )
    np.testing.assert_allclose(costs, whole["cost"], rtol=TOLERANCE)
    final_cost = notes.cost(network, mnist.X_train, mnist.y_train)
    assert final_cost == pytest.approx(float(whole["final_cost"]), rel=TOLERANCE)
    for name, parameter in zip(NAMES, network.parameters, strict=True):
        assert_same(parameter, whole[f"after500_{name}"])
    accuracy = np.mean(notes.predict(network, mnist.X_test) == mnist.y_test)
    assert accuracy == pytest.approx(float(whole["test_accuracy"]), abs=1e-12)
