"""A trace as a table for the terminal."""

from __future__ import annotations

import numpy as np

from handgrad import Network
from handgrad.derivation.formulas import FORMULAS
from handgrad.glassbox import Trace


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
