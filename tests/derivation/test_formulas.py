"""The texts of the formulas name the matrices of the passes, in their shapes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from handgrad import Network, notes
from handgrad.derivation.formulas import FORMULAS

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
