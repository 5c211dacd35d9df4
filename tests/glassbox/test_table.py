"""A trace as a table for the terminal."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import Network
from handgrad.derivation.formulas import FORMULAS
from handgrad.derivation.numbered import numbered_formulas
from handgrad.glassbox import Trace
from handgrad.glassbox.table import rows_note
from handgrad.model import Model


def test_the_table_names_every_formula_and_shape():
    trace = Trace(Network.initial(features=784, hidden=10, classes=10), np.eye(3, 784), [0, 1, 2])
    table = trace.table(width=200)
    for formula in FORMULAS.values():
        assert formula.statement in table
    assert "10×784" in table
    assert "3×784" in table
    assert max(map(len, table.splitlines())) <= 200
    assert "\x1b" not in table


def test_a_full_table_writes_large_matrices_out():
    trace = Trace(Network.initial(features=200, hidden=2, classes=2), np.ones((1, 200)))
    assert "..." in trace.table(width=120)
    assert "..." not in trace.table(width=120, full=True)


def test_the_table_of_any_depth_names_every_formula_and_shape():
    network = Network.initial(features=9, hidden=(7, 6), classes=3, activation="leaky_relu")
    table = Trace(network, np.eye(3, 9), [0, 1, 2]).table(width=200)
    for formula in numbered_formulas(network).values():
        assert formula.statement in table
    for shape in ("7×9", "6×7", "3×6", "7×3", "6×3", "3×3"):
        assert shape in table


@pytest.mark.parametrize(
    ("settings", "names", "note"),
    [
        ({}, ("0", "1"), "Row k of Z2 and A2 stands for class k."),
        ({}, ("cat", "dog"), "Rows of Z2 and A2: 0 cat, 1 dog."),
        ({"hidden": (3, 3)}, ("cat", "dog"), "Rows of Z3 and A3: 0 cat, 1 dog."),
        ({"hidden": ()}, ("a\nb", "1"), "Rows of Z1 and A1: 0 a\\nb, 1 1."),
        (
            {"classes": 1, "output": "logistic"},
            ("cat", "dog"),
            "A2 is the probability of class 1, dog; class 0 is cat.",
        ),
        ({"output": "logistic"}, ("0", "1"), "Row k of Z2 and A2 stands for label k."),
        ({"output": "exp"}, ("cars", "bikes"), "Rows of Z2 and A2: 0 cars, 1 bikes."),
        ({"classes": 1, "output": "identity"}, ("0",), "Row k of Z2 and A2 stands for value k."),
    ],
)
def test_the_rows_of_the_last_layer_are_named(settings, names, note):
    network = Network.initial(**({"features": 2, "hidden": 3, "classes": 2} | settings))
    assert rows_note(Model.of(network, class_names=names)) == note
