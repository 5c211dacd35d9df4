"""The steps of a trace are the matrices of the notes, in the notes' order."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from handgrad import notes
from handgrad.derivation.formulas import FORMULAS
from handgrad.glassbox.steps import steps_of_pass
from strategies import problems


@given(problem=problems(dtype=np.float64))
def test_every_formula_comes_once_with_the_matrix_of_the_notes(problem):
    network, X, y = problem
    steps = list(steps_of_pass(network, X, y, learning_rate=0.3))
    ids = [step.formula.id for step in steps if step.formula.id]
    assert list(dict.fromkeys(ids)) == list(FORMULAS)
    values = {step.name: step.value for step in steps if step.formula.id}
    activations = notes.forward(network, X)
    dZ2 = notes.output_gradient(activations.A2, y)
    back = notes.propagate(network, X, activations, dZ2)
    for name, expected in (activations._asdict() | back._asdict()).items():
        np.testing.assert_array_equal(values[name], expected)


@given(problem=problems(dtype=np.float64))
def test_without_labels_the_pass_ends_with_the_prediction(problem):
    network, X, _ = problem
    last = list(steps_of_pass(network, X, None, learning_rate=0.3))[-1]
    assert last.formula.id == "F5"
    np.testing.assert_array_equal(last.value, notes.predict(network, X))
