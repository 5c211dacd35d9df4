"""The texts of the formulas name the matrices of the passes, in their shapes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import assume, given

from handgrad import Network, notes
from handgrad.derivation.formulas import FORMULAS, LAYER_FORMULAS, OUTPUT_FORMULAS
from handgrad.derivation.numbered import numbered_formulas
from handgrad.glassbox.steps import steps_of_pass
from strategies import layered_problems

# No two letters have one size, so that a shape can be told from any other.
SIZES = {"m": 7, "D": 5, "H": 3, "K": 4}


def matrices() -> dict[str, np.ndarray]:
    """Return the matrices of both passes, by their names in the notes."""
    network = Network.initial(features=SIZES["D"], hidden=SIZES["H"], classes=SIZES["K"])
    X = np.random.default_rng(0).normal(size=(SIZES["m"], SIZES["D"]))
    y = np.arange(SIZES["m"]) % SIZES["K"]
    activations = notes.forward(network, X)
    gradient = notes.backward(network, X, y, activations)
    W1, b1, W2, b2 = network.parameters
    known = {"Xᵀ": X.T, "X": X, "A1ᵀ": activations.A1.T, "W2ᵀ": W2.T}
    known |= {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    return known | activations._asdict() | gradient._asdict()


def shape_of(text: str) -> tuple[int, ...]:
    return tuple(SIZES.get(size, 0) or int(size) for size in text.split("×"))


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_result_has_the_shape_that_is_said(formula):
    name = FORMULAS[formula].statement.split(" = ")[0]
    if name in matrices():
        assert matrices()[name].shape == shape_of(FORMULAS[formula].shapes.split(" = ")[0])


@pytest.mark.parametrize("formula", ["F1", "F3", "B2", "B4", "B6"])
def test_the_factors_of_a_product_have_the_shapes_that_are_said(formula):
    right = FORMULAS[formula].statement.split(" = ")[1]
    names = re.findall(r"[A-Za-z]+\d?ᵀ?", right)
    shapes = re.findall(r"\(([^()]*)\)", FORMULAS[formula].shapes)
    known = matrices()
    assert len(names) == len(shapes)
    for name, shape in zip(names, shapes, strict=True):
        if name in known:  # dA1, dZ1 and dZ2 are named by their ids alone
            assert known[name].shape == shape_of(shape)
    sides = [shape_of(shape) for shape in shapes[:2]]
    assert sides[0][1] == sides[1][0]


def sized(text: str, m: int, K: int) -> tuple[int, ...]:
    return tuple({"m": m, "K": K}.get(size, 0) or int(size) for size in text.split("×"))


@given(layered_problems())
def test_numbered_formulas_name_the_matrices_of_every_layer_in_their_shapes(problem):
    network, X, y = problem
    formulas = numbered_formulas(network)
    named = formulas.values()
    assert {f.id for f in named} <= {"", *LAYER_FORMULAS, *OUTPUT_FORMULAS}
    for step in steps_of_pass(network, X, y, learning_rate=0.1):
        if network.is_of_the_notes or step.formula.id in ("U1", "") or step.name in ("ŷ", "C"):
            continue
        assert step.formula == formulas[step.name]
        assert step.value.shape == sized(step.formula.shapes, len(X), network.K)


SIGNS = {"exp": np.exp, "tanh": np.tanh, "max": np.maximum, "log": np.log}


@given(layered_problems())
def test_numbered_statements_say_what_is_computed(problem):
    """The statements of the activations, read as NumPy, give the matrices that they name."""
    network, X, y = problem
    assume(not network.is_of_the_notes)
    known = {step.name: step.value for step in steps_of_pass(network, X, y, learning_rate=0.1)}
    for name, formula in numbered_formulas(network).items():
        if formula.id not in ("L2", "L6", "O1") or "softmax" in formula.statement:
            continue
        right = formula.statement.partition(" = ")[2]
        right = right.replace("−", "-").replace("⊙", "*").replace("0.01 Z", "0.01 * Z")
        right = re.sub(r"\(1 if (Z\d) > 0, else 0.01\)", r"(0.01 + 0.99 * (\1 > 0))", right)
        found = eval(right, SIGNS | known)  # noqa: S307
        np.testing.assert_allclose(found, known[name], rtol=1e-9, atol=1e-12)
