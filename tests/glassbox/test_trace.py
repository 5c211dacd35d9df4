from __future__ import annotations

import json

import numpy as np
from hypothesis import given

from handgrad import notes
from handgrad.formulas import FORMULAS
from handgrad.glassbox import Trace
from strategies import problems


@given(problems())
def test_a_trace_holds_every_matrix_of_the_notes_in_their_order(problem):
    network, X, y = problem
    trace = Trace(network, X, y, learning_rate=0.5)
    ids = [step.formula.id for step in trace.steps if step.formula.id]
    assert list(dict.fromkeys(ids)) == list(FORMULAS)

    made = {(step.formula.id, step.name): step.value for step in trace.steps}
    activations = notes.forward(network, X)
    gradient = notes.backward(network, X, y, activations)
    after = notes.descend(network, gradient, 0.5)
    for formula, name in (("F1", "Z1"), ("F2", "A1"), ("F3", "Z2"), ("F4", "A2")):
        np.testing.assert_array_equal(made[formula, name], getattr(activations, name))
    for formula, name in (("B2", "dW2"), ("B3", "db2"), ("B6", "dW1"), ("B7", "db1")):
        np.testing.assert_array_equal(made[formula, name], getattr(gradient, name))
    for name in ("W1", "b1", "W2", "b2"):
        np.testing.assert_array_equal(made["U1", name], getattr(after, name))
    np.testing.assert_array_equal(made["F5", "ŷ"], notes.predict(network, X))


@given(problems())
def test_without_labels_a_trace_ends_with_the_prediction(problem):
    network, X, _ = problem
    assert Trace(network, X).steps[-1].formula.id == "F5"


@given(problems())
def test_a_trace_becomes_json(problem):
    steps = json.loads(json.dumps(Trace(*problem).to_list(), allow_nan=False))
    for step in steps:
        assert list(np.shape(step["value"])) == step["shape"]
