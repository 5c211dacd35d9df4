"""What the C++ core checks by itself, so that no call reads or writes outside its arrays."""

from __future__ import annotations

import numpy as np
import pytest

from instruction_sets import core


def network(sizes, output="softmax", activation="relu"):
    """Return a network of zeros; sizes are those of the features and of each layer."""
    activations = [activation] * (len(sizes) - 2) + ["identity"]
    layers = [
        (np.zeros((outputs, inputs)), np.zeros((outputs, 1)), core.Activation[name])
        for inputs, outputs, name in zip(sizes, sizes[1:], activations, strict=False)
    ]
    return core.Network64(layers, core.Output[output])


def session(labels=None, values=None, output="softmax", weights=None):
    rows = core.dense_rows(np.zeros((3, 2)), 1.0)
    objective = core.Objective(core.Output[output], 0.0, False)
    return core.Session64("baseline", 1, rows, labels, values, objective, weights, 3.0)


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        ([], "needs a layer"),
        ([((2, 3), (2, 1)), ((4, 5), (4, 1))], "do not fit"),
        ([((2, 3), (2, 1)), ((4, 2), (4, 1)), ((1, 3), (1, 1))], "do not fit"),
        ([((2, 3), (1, 1)), ((4, 2), (4, 1))], "do not fit"),
        ([((0, 3), (0, 1)), ((4, 0), (4, 1))], "do not fit"),
        ([((2, 0), (2, 1))], "do not fit"),
    ],
)
def test_layers_that_do_not_fit_are_refused(shapes, sentence):
    layers = [(np.zeros(W), np.zeros(b), core.Activation.identity) for W, b in shapes]
    with pytest.raises(core.RefusedError, match=sentence):
        core.Network64(layers, core.Output.softmax)


def test_the_last_layer_has_no_activation():
    layer = (np.zeros((2, 3)), np.zeros((2, 1)), core.Activation.tanh)
    with pytest.raises(core.RefusedError, match="the last layer has an activation"):
        core.Network64([layer], core.Output.identity)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (([2, 2, 2],), "not a class"),
        (([2, 2],), "not a class"),
        (([5, 2, 5],), "rows and network"),
        (([2, 2, 1], "logistic"), "that of the objective"),
        (([2, 2, 5], "identity"), "that of the objective"),
    ],
)
def test_a_network_that_does_not_fit_labels_is_refused(given, sentence):
    given = network(*given)
    held = session(np.array([0, 1, 4], np.int32))
    for call in (held.cost, held.cost_and_gradient):
        with pytest.raises(core.RefusedError, match=sentence):
            call(given)
    with pytest.raises(core.RefusedError, match=sentence):
        held.batches(given, core.Rule.sgd(0.1, 0.0, False), 2)


@pytest.mark.parametrize("output", ["logistic", "identity", "exp"])
def test_a_network_that_does_not_fit_values_is_refused(output):
    held = session(values=np.zeros((3, 2)), output=output)
    held.cost(network([2, 4, 2], output))
    for outputs in (3, 1):
        with pytest.raises(core.RefusedError, match=r"one output for each|other targets"):
            held.cost(network([2, outputs], output))


def test_each_output_takes_its_own_targets():
    labels, values = np.zeros(3, np.int32), np.zeros((3, 1))
    for output, outputs in (("softmax", 1), ("logistic", 1)):
        held = session(values=values, output=output)
        with pytest.raises(core.RefusedError, match="other targets"):
            held.cost(network([2, outputs], output))
    for output, outputs in (("logistic", 2), ("identity", 1), ("exp", 1)):
        held = session(labels, output=output)
        with pytest.raises(core.RefusedError, match="other targets"):
            held.cost(network([2, outputs], output))
    for both in ((None, None), (labels, values)):
        with pytest.raises(core.RefusedError, match="either labels or values"):
            session(*both)


def test_targets_and_weights_belong_to_the_rows():
    labels = np.array([0, 1, 4], np.int32)
    for wrong in (labels[:2], np.array([0, -1, 1], np.int32)):
        with pytest.raises(core.RefusedError, match=r"label|targets"):
            session(wrong)
    with pytest.raises(core.RefusedError, match="targets"):
        session(values=np.zeros((4, 2)), output="identity")
    with pytest.raises(core.RefusedError, match="weights"):
        session(labels, weights=np.ones(2))


def test_moments_have_the_shapes_of_the_parameters():
    held = session(np.zeros(3, np.int32))
    run = held.batches(network([2, 4, 3]), core.Rule.adam(0.1, 0.9, 0.999, 1e-8), 2)
    fitting = network([2, 4, 3])
    run.restore(1, fitting, fitting)
    for wrong in (network([2, 3]), network([2, 4, 4, 3]), network([2, 5, 3]), network([3, 4, 3])):
        for moments in ((fitting, wrong), (wrong, fitting)):
            with pytest.raises(core.RefusedError, match="moments and parameters"):
                run.restore(1, *moments)
