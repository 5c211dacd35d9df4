"""Sessions of the native engine, and the logistic output, on every instruction set."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from handgrad import Network
from handgrad.engines import Adam, Sgd
from handgrad.errors import ShapeError
from handgrad.objective import Objective
from instruction_sets import every_instruction_set, native

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


def digit_like(dtype="float32", classes=3):
    random = np.random.default_rng(5)
    X = random.integers(1, 256, (700, 60)) * (random.random((700, 60)) < 0.3)
    network = Network.initial(features=60, hidden=9, classes=classes, dtype=dtype)
    return network, X.astype(np.uint8), random.integers(max(classes, 2), size=700)


def logistic(dtype):
    network, X, y = digit_like(dtype, classes=1)
    return Network(*network.parameters, output="logistic"), X, y


def bits(network):
    return [array.tobytes() for array in network.parameters]


@every_instruction_set
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_cost_alone_is_that_of_the_pass_with_a_gradient(
    instruction_set, dtype, alpha, weighted
):
    network, X, y = digit_like(dtype)
    weights = np.arange(1.0, 701) if weighted else None
    for rows in (X, X / 255 + 1, sparse.csr_array(X)):
        for threads in (1, 3):
            engine = native(instruction_set, threads)
            session = engine.session(rows, y, Objective(alpha=alpha), weights)
            assert session.cost(network) == session.cost_and_gradient(network).cost


@every_instruction_set
def test_results_do_not_depend_on_what_a_session_did_before(instruction_set):
    network, X, y = digit_like()
    engine, objective = native(instruction_set, 2), Objective(alpha=0.1)

    def gradient(session):
        return [array.tobytes() for array in session.cost_and_gradient(network).gradient]

    def descent(session):
        return bits(session.descend(network, learning_rate=0.1, iterations=5)[0])

    def epochs(session):
        run = session.batches(network, rule=Adam(), batch_size=32)
        run.epoch()
        return bits(run.network)

    calls = (gradient, descent, epochs)
    alone = [call(engine.session(X, y, objective)) for call in calls]
    used = engine.session(X, y, objective)
    for _ in range(2):
        assert [call(used) for call in calls] == alone
        assert [call(used) for call in reversed(calls)] == alone[::-1]


@every_instruction_set
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", [Sgd(0.05), Sgd(0.05, 0.9, nesterov=True), Adam(0.01)], ids=str)
def test_a_logistic_output_trains_as_the_softmax_of_a_logit_that_stays_0(
    instruction_set, dtype, rule
):
    network, X, y = logistic(dtype)
    engine = native(instruction_set, 2)
    run = engine.batches(network, X, y, rule=rule, batch_size=64, alpha=0.01)
    exact = engine.session(X, y, Objective("logistic")).cost_and_gradient(network).gradient
    softmax = engine.session(X, y, Objective()).cost_and_gradient(network.as_softmax())
    for found, expected in zip(exact, softmax.gradient, strict=True):
        scale = np.abs(expected).max()
        expected = expected[-len(found) :]
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[dtype] * scale)
    before = engine.session(X, y, Objective("logistic")).cost(network)
    for _ in range(5):
        run.epoch()
    after = run.network
    assert after.output == "logistic"
    assert engine.session(X, y, Objective("logistic")).cost(after) < before
    np.testing.assert_allclose(
        engine.predict_proba(after, X),
        engine.predict_proba(after.as_softmax(), X),
        rtol=0,
        atol=TOLERANCE[dtype],
    )


@every_instruction_set
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_small_probabilities_and_losses_keep_their_digits(instruction_set, dtype):
    z = np.linspace(-80, 80, 161)
    network = Network([[1.0], [-1.0]], np.zeros((2, 1)), [[1.0, -1.0]], [[0.0]], output="logistic")
    network, engine = network.astype(dtype), native(instruction_set)
    exact = np.stack([1 / (1 + np.exp(z)), 1 / (1 + np.exp(-z))], axis=1)
    tolerance = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(engine.predict_proba(network, z[:, None]), exact, rtol=tolerance)
    for label in (0, 1):
        losses = np.logaddexp(0, z if label == 0 else -z)
        for row, loss in zip(z[:, None], losses, strict=True):
            session = engine.session(row[None, :], [label], Objective("logistic"))
            np.testing.assert_allclose(session.cost(network), loss, rtol=tolerance)


@every_instruction_set
def test_a_logit_of_0_means_class_0(instruction_set):
    network = Network([[1.0]], [[0.0]], [[0.0]], [[0.0]], output="logistic")
    engine = native(instruction_set)
    assert engine.predictor(network).label([5.0]) == 0
    for label, accuracy in ((0, 1.0), (1, 0.0)):
        session = engine.session([[5.0]], [label], Objective("logistic"))
        assert session.cost_and_gradient(network).accuracy == accuracy


def test_a_network_of_another_output_is_refused():
    network, X, y = logistic("float32")
    with pytest.raises(ShapeError, match="output of the network is logistic; expected softmax"):
        native("baseline").session(X, y, Objective()).cost(network)
