from __future__ import annotations

import html
import json
import re

import numpy as np
from hypothesis import assume, given

from handgrad import Network, backpropagation, data, get_engine, notes
from handgrad.derivation.formulas import FORMULAS
from handgrad.glassbox import Trace
from strategies import layered_problems, problems
from texts import embedded_data, found_in


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


@given(layered_problems())
def test_a_trace_of_any_depth_holds_every_matrix_of_every_layer(problem):
    network, X, y = problem
    assume(not network.is_of_the_notes)
    trace = Trace(network, X, y, learning_rate=0.5)
    made = {(step.formula.id, step.name): step.value for step in trace.steps}
    passes = backpropagation.forward(network, X)
    gradient = backpropagation.backward(network, X, y, passes)
    after = backpropagation.descend(network, gradient, 0.5).parameters
    last = len(network.layers)
    for number, (Z, A) in enumerate(passes, start=1):
        np.testing.assert_array_equal(made["L1", f"Z{number}"], Z)
        np.testing.assert_array_equal(made["O1" if number == last else "L2", f"A{number}"], A)
        np.testing.assert_array_equal(made["L3", f"dW{number}"], gradient[2 * number - 2])
        np.testing.assert_array_equal(made["L4", f"db{number}"], gradient[2 * number - 1])
        np.testing.assert_array_equal(made["U1", f"W{number}"], after[2 * number - 2])
        np.testing.assert_array_equal(made["U1", f"b{number}"], after[2 * number - 1])
        for formula, name in (("L5", f"dA{number}"), ("L6", f"dZ{number}")):
            assert ((formula, name) in made) == (number < last)
    assert made["O2", "C"] == backpropagation.cost(network, X, y)
    assert made["O3", f"dZ{last}"].shape == (network.K, len(X))
    # No step is missing, and each reads what came before it.
    assert len(trace.steps) == 10 * last + 3
    known: set[str] = set()
    for step in trace.steps:
        right = step.formula.statement.partition(" = ")[2] if step.formula.id else ""
        used = set(re.findall(r"d?[WZAb]\d|X", right))
        assert used <= known, step
        known.add(step.name)


@given(layered_problems())
def test_predictions_in_a_trace_have_the_form_of_the_targets(problem):
    network, X, y = problem
    (predicted,) = (step.value for step in Trace(network, X).steps if step.name == "ŷ")
    assert predicted.shape == network.targets(y, len(X)).shape
    if network.predicts != "values":
        probabilities = get_engine("reference").predict_proba(network, X)
        by_engine = probabilities.argmax(axis=1)
        expected = by_engine if network.predicts == "classes" else probabilities > 0.5
        np.testing.assert_array_equal(predicted, expected)


@given(problems())
def test_without_labels_a_trace_ends_with_the_prediction(problem):
    network, X, _ = problem
    assert Trace(network, X).steps[-1].formula.id == "F5"


@given(layered_problems())
def test_without_targets_a_trace_of_any_depth_ends_with_the_prediction(problem):
    network, X, _ = problem
    assert Trace(network, X).steps[-1].formula.id == ("F5" if network.is_of_the_notes else "O4")


@given(problems() | layered_problems())
def test_a_trace_becomes_json(problem):
    steps = json.loads(json.dumps(Trace(*problem).to_list(), allow_nan=False))
    for step in steps:
        assert list(np.shape(step["value"])) == step["shape"]


@given(problems() | layered_problems())
def test_json_holds_the_same_as_the_list(problem):
    trace = Trace(*problem)
    assert json.loads(trace.to_json()) == trace.to_list()


def test_numbers_that_are_not_finite_become_null_in_json():
    network = Network(*map(np.array, ([[1e308]], [[1e308]], [[1.0], [2.0]], [[0.0], [0.0]])))
    with np.errstate(over="ignore", invalid="ignore"):
        steps = json.loads(Trace(network, [[2.0]]).to_json())
    assert next(step for step in steps if step["name"] == "Z1")["value"] == [[None]]


def payload_in(frame):
    page = html.unescape(found_in(frame, r'^<iframe srcdoc="([^"]*)".*></iframe>$'))
    return json.loads(embedded_data(page))


def test_a_notebook_gets_the_page_on_these_samples():
    samples = data.load_samples("mnist-5k")
    assert samples.y is not None
    network = Network.initial()
    payload = payload_in(
        Trace(network, samples.X[:3], samples.y[:3], learning_rate=0.5)._repr_html_()
    )
    assert payload["show"] == {"samples": [0, 1, 2], "step": 0}
    assert payload["samples"]["y"] == samples.y[:3].tolist()
    assert payload["samples"]["dtype"] == "uint8"
    assert payload["learning_rate"] == 0.5


def test_a_notebook_shows_the_first_64_of_many_samples():
    payload = payload_in(Trace(Network.initial(features=2), np.zeros((70, 2)))._repr_html_())
    assert payload["samples"]["count"] == 70
    assert payload["show"]["samples"] == list(range(64))


def test_a_network_too_large_for_the_page_becomes_a_table_in_a_notebook():
    shown = Trace(Network.initial(features=2, hidden=65), np.zeros((1, 2)))._repr_html_()
    assert "65 hidden units" in shown
    assert "Z1 = W1 · Xᵀ + b1" in html.unescape(shown)
    assert "<iframe" not in shown


def test_a_network_that_the_page_does_not_show_becomes_a_table_in_a_notebook():
    network = Network.initial(features=2, hidden=(3, 3), classes=2, activation="tanh")
    shown = Trace(network, np.zeros((1, 2)))._repr_html_()
    assert shown.startswith("<p>The page shows networks with one hidden layer of ReLU units")
    assert "A2 = tanh(Z2)" in html.unescape(shown)
    assert "<iframe" not in shown


def test_two_classes_of_a_logistic_output_are_shown_on_the_page_as_a_softmax():
    network = Network.initial(features=2, hidden=3, classes=1, output="logistic")
    payload = payload_in(Trace(network, np.zeros((2, 2)), [0, 1])._repr_html_())
    assert payload["model"]["classes"] == 2
    assert payload["samples"]["y"] == [0, 1]


def test_an_overflow_is_there_to_be_seen_in_any_depth():
    network = Network.initial(features=1, hidden=(2, 2), classes=1, output="exp", dtype=np.float64)
    network = network.with_parameters(1000 + array for array in network.parameters)
    steps = {step.name: step.value for step in Trace(network, [[3.0]], [2.0]).steps}
    assert np.isinf(steps["C"])


def test_a_trace_describes_itself_in_a_line():
    trace = Trace(Network.initial(features=2), np.zeros((4, 2)))
    assert (
        repr(trace) == "Trace(Network(2 features, 10 hidden units, 10 classes, float32), 4 samples)"
    )
