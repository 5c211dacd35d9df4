"""Networks of any depth, activation and output: the native engine against the reference."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from handgrad import Network, get_engine
from handgrad.engines import Adam, Sgd
from handgrad.layers import ACTIVATIONS, Layer
from handgrad.network import OUTPUTS
from handgrad.objective import Objective
from instruction_sets import every_instruction_set, native

TOLERANCE = {"float32": 2e-5, "float64": 1e-11}

reference = get_engine("reference")


class Task(NamedTuple):
    network: Network
    X: object
    y: np.ndarray
    weights: np.ndarray | None
    objective: Objective

    def session(self, engine):
        return engine.session(self.X, self.y, self.objective, self.weights)

    def exact(self):
        return self._replace(network=self.network.astype("float64"))


# Around whole vectors of 4, 8 and 16 numbers, and panels of up to four of them.
SIZES = st.one_of(st.integers(1, 9), st.sampled_from([15, 16, 17, 33, 64, 65]))
ROWS = st.one_of(SIZES, st.sampled_from([96, 97, 191, 257, 400]))
KINDS = {
    "pixels": lambda X: np.abs(X * 80).clip(0, 255).astype(np.uint8),
    "float32": lambda X: X.astype(np.float32),
    "float64": lambda X: X,
    "csr": sparse.csr_array,
}


@st.composite
def tasks(draw, dtypes=("float32", "float64")):
    """Draw a network of 1 to 5 layers, rows, targets, an objective, and weights or none."""
    sizes = draw(st.lists(SIZES, min_size=2, max_size=6), label="sizes")
    activations = draw(
        st.lists(st.sampled_from(ACTIVATIONS), min_size=4, max_size=4), label="activations"
    )
    output, m = draw(st.sampled_from(OUTPUTS), label="output"), draw(ROWS, label="m")
    dtype = draw(st.sampled_from(dtypes), label="dtype")
    if output == "logistic" and draw(st.booleans(), label="two classes"):
        sizes[-1] = 1
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    network = network_of(random, sizes, activations, output, dtype)
    X = random.normal(size=(m, sizes[0])) * (
        random.random((m, sizes[0])) < draw(st.sampled_from([0.0, 0.1, 0.3, 1.0]), label="density")
    )
    weights = None
    if draw(st.booleans(), label="weighted"):
        weights = random.integers(0, 3, m) + 1.0 * (np.arange(m) == 0)
    alpha, averages = draw(st.sampled_from([0.0, 0.3])), draw(st.booleans())
    return Task(
        network,
        KINDS[draw(st.sampled_from(list(KINDS)), label="rows")](X),
        targets_of(network, random, m),
        weights,
        Objective(output, alpha=alpha, averages_outputs=averages),
    )


def network_of(random, sizes, activations, output, dtype="float64"):
    names = [*activations[: len(sizes) - 2], "identity"]
    layers = [
        Layer(
            random.normal(0, 1 / np.sqrt(inputs), (outputs, inputs)).astype(dtype),
            random.normal(0, 0.3, (outputs, 1)).astype(dtype),
            name,
        )
        for inputs, outputs, name in zip(sizes, sizes[1:], names, strict=False)
    ]
    return Network.of_layers(layers, output)


def targets_of(network, random, m):
    if network.predicts == "classes":
        return random.integers(network.classes, size=m)
    if network.predicts == "labels":
        return random.integers(2, size=(m, network.K))
    drawn = random.poisson(1.5, (m, network.K)) if network.output == "exp" else None
    return random.normal(size=(m, network.K)) if drawn is None else drawn


def assert_close(found, expected, tolerance, least=0.05):
    """Compare arrays with each other, relative to the largest number in any of them."""
    scale = max([least, *(np.abs(array).max() for array in expected)])
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * scale)


@every_instruction_set
@settings(max_examples=150)
@given(task=tasks())
def test_a_pass_is_that_of_the_reference(instruction_set, task):
    tolerance = TOLERANCE[task.network.dtype.name]
    network, engine = task.network, native(instruction_set, 2)
    exact = task.exact()
    expected = exact.session(reference).cost_and_gradient(exact.network)
    found = task.session(engine).cost_and_gradient(network)
    np.testing.assert_allclose(found.cost, expected.cost, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(task.session(engine).cost(network), found.cost, rtol=tolerance)
    assert_close(found.gradient, expected.gradient, 4 * tolerance)
    assert all(array.dtype == network.dtype for array in found.gradient)
    if network.predicts == "values":
        assert np.isnan(found.accuracy)
    else:  # a logit may be so near to another, or to 0, that rounding decides
        assert found.accuracy == pytest.approx(expected.accuracy, abs=2.5 / len(task.y))
    outputs = engine.outputs(network, task.X)
    assert outputs.dtype == network.dtype
    assert_close([outputs], [reference.outputs(exact.network, task.X)], 4 * tolerance)


@every_instruction_set
@settings(max_examples=60)
@given(task=tasks(), batch=st.sampled_from([1, 7, 32, 200]))
def test_the_bits_depend_on_neither_threads_nor_kept_parts(instruction_set, task, batch):
    def results(threads):
        engine, network = native(instruction_set, threads), task.network
        session = task.session(engine)
        cost, gradient, accuracy = session.cost_and_gradient(network)
        last, costs = session.descend(network, learning_rate=1e-4, iterations=2)
        run = session.batches(network, rule=Adam(0.001), batch_size=batch)
        numbers = [cost, accuracy, session.cost(network), *costs, *run.epoch()]
        arrays = *gradient, *last.parameters, *run.network.parameters
        return numbers, [*arrays, engine.outputs(network, task.X)]

    def part(kept):
        engine = native(instruction_set, 2)
        given = engine.part(task.X, task.y, task.objective, task.weights, kept=kept)
        cost, gradient, accuracy = given.cost_and_gradient(task.network)
        return [cost, accuracy, given.cost(task.network)], gradient

    def bits(result):
        numbers, arrays = result
        return [np.array(numbers).tobytes(), *(array.tobytes() for array in arrays)]

    alone = bits(results(1))
    assert [bits(results(threads)) for threads in (2, 3)] == [alone, alone]
    assert bits(part(kept=True)) == bits(part(kept=False))


# Small steps: larger ones let some networks of many values diverge.
RATE = 1e-4
RULES = [Sgd(RATE), Sgd(RATE, 0.9), Sgd(RATE, 0.9, nesterov=True), Adam(RATE, epsilon=1e-4)]


@every_instruction_set
@settings(max_examples=60)
@given(task=tasks(dtypes=["float64"]), rule=st.sampled_from(RULES), batch=st.sampled_from([7, 64]))
def test_runs_are_those_of_the_reference(instruction_set, task, rule, batch):
    network = task.network
    found, expected = task.session(native(instruction_set, 2)), task.session(reference)
    last, costs = found.descend(network, learning_rate=RATE, iterations=3)
    expected_last, expected_costs = expected.descend(network, learning_rate=RATE, iterations=3)
    np.testing.assert_allclose(costs, expected_costs, rtol=1e-9, atol=1e-11)
    assert_close(last.parameters, expected_last.parameters, 1e-9)
    runs = [session.batches(network, rule=rule, batch_size=batch) for session in (found, expected)]
    order = np.random.default_rng(0).permutation(len(task.y))
    costs, expected_costs = (run.epoch(order) for run in runs)
    np.testing.assert_allclose(costs, expected_costs, rtol=1e-8, atol=1e-10)
    assert_close(runs[0].network.parameters, runs[1].network.parameters, 1e-8)
    assert [layer.activation for layer in runs[0].network.layers] == [
        layer.activation for layer in network.layers
    ]
    again = found.batches(network, rule=rule, batch_size=batch, moments=runs[0].moments)
    assert again.moments.steps == runs[1].moments.steps
    if rule != RULES[0]:
        assert_close(again.moments.first, runs[1].moments.first, 1e-8)


# Rows of each way to take batches: dense rows by slices, rows with zeros by shards of features,
# sparse rows by the features that a batch touches.
WAYS = {
    "slices": lambda random: random.normal(size=(500, 90)),
    "shards": lambda random: random.normal(size=(500, 400)) * (random.random((500, 400)) < 0.3),
    "touched": lambda random: sparse.random_array((300, 40_000), density=2e-4, rng=random) * 3,
}


@every_instruction_set
@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("hidden", [(), (20,), (33, 50), (16, 9, 300, 300)], ids=str)
def test_every_way_to_take_batches_goes_through_all_layers(instruction_set, way, rule, hidden):
    random = np.random.default_rng(5)
    X = WAYS[way](random)
    network = network_of(random, [X.shape[1], *hidden, 4], ["tanh", "leaky_relu"] * 2, "logistic")
    y = targets_of(network, random, X.shape[0])
    runs = [
        engine.session(X, y, Objective("logistic", alpha=0.1)).batches(
            network, rule=rule, batch_size=60
        )
        for engine in (native(instruction_set), native(instruction_set, 3), reference)
    ]
    for _ in range(2):
        costs, others, expected = (run.epoch() for run in runs)
        np.testing.assert_array_equal(costs, others)
        np.testing.assert_allclose(costs, expected, rtol=1e-8)
    first, other, expected = (run.network.parameters for run in runs)
    assert_close(first, expected, 1e-8)
    assert [array.tobytes() for array in first] == [array.tobytes() for array in other]


@every_instruction_set
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("classes", [1, 5])
def test_a_predictor_gives_the_outputs_of_its_engine(instruction_set, output, classes):
    random = np.random.default_rng(0)
    network = network_of(random, [6, 5, 4, classes], ["logistic", "relu"], output, "float32")
    X = random.normal(size=(20, 6)).astype(np.float32)
    engine = native(instruction_set)
    predictor, outputs = engine.predictor(network), engine.outputs(network, X)
    assert outputs.shape == (20, network.columns)
    for x, expected in zip(X, outputs, strict=True):
        np.testing.assert_allclose(predictor.probabilities(x), expected, rtol=1e-5, atol=1e-6)


def single(weight, output, dtype="float64"):
    """Return a network of one weight, whose logit is that weight times its feature."""
    layer = Layer(np.array([[weight]], dtype), np.zeros((1, 1), dtype), "identity")
    return Network.of_layers([layer], output)


@every_instruction_set
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_activations_keep_their_digits(instruction_set, dtype, activation):
    X = np.concatenate([-np.logspace(-20, 1.9, 400), [0.0], np.logspace(-20, 1.9, 400)])
    X = X.astype(dtype)[:, None]
    one, zero = np.ones((1, 1), dtype), np.zeros((1, 1), dtype)
    layers = [Layer(one, zero, activation), Layer(one, zero, "identity")]
    found = native(instruction_set).outputs(Network.of_layers(layers, "identity"), X)
    exact = X.astype(np.longdouble)
    expected = np.tanh(exact) if activation == "tanh" else 1 / (1 + np.exp(-exact))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(found, expected.astype(np.float64), rtol=4 * eps)


@every_instruction_set
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_value_that_is_too_large_is_infinite(instruction_set, dtype):
    network, engine = single(1.0, "exp", dtype), native(instruction_set)
    largest = np.log(np.finfo(dtype).max)
    logits = np.array([[largest - 0.01], [largest + 0.01], [2 * largest]])
    with np.errstate(over="ignore"):
        expected = np.exp(logits.astype(dtype))
    np.testing.assert_allclose(engine.outputs(network, logits), expected, rtol=1e-6)
    far = engine.session([[2 * largest]], [1.0], Objective("exp")).cost_and_gradient(network)
    assert np.isinf(far.gradient.dW1)
    assert far.cost > float(np.finfo(dtype).max)


@every_instruction_set
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_poisson_loss_keeps_its_digits_where_its_terms_cancel(instruction_set, dtype):
    engine, network = native(instruction_set), single(1.0, "exp", dtype)
    for value in np.array([0.0, 1e-300, 1e-30, 0.5, 1.0, 2.0, 1e3, 1e6], dtype):
        for error in (-1e-2, 0.0, 1e-2, 3.0):
            logit = np.array([[-3.0 if value < 1e-20 else np.log(value)]], dtype)
            logit += np.asarray(error, dtype)
            z, y = np.longdouble(logit[0, 0]), np.longdouble(value)
            expected = float((y * np.log(y) if y else y) - y * z - y + np.exp(z))
            cost = engine.session(logit, [value], Objective("exp")).cost(network)
            assert cost == pytest.approx(expected, rel=1e-9, abs=1e-14 * max(float(value), 1))


@every_instruction_set
def test_a_row_is_right_if_all_of_its_labels_are(instruction_set):
    layer = Layer(np.eye(3), np.zeros((3, 1)), "identity")
    network = Network.of_layers([layer], "logistic")
    X = np.array([[1.0, -1.0, 2.0], [1.0, 0.0, -1.0], [-1.0, 0.0, 1.0], [3.0, 3.0, 3.0]])
    y = np.array([[1, 0, 1], [1, 1, 0], [0, 0, 1], [1, 1, 0]])  # at a logit of 0 the label is 0
    session = native(instruction_set).session(X, y, Objective("logistic"))
    assert session.cost_and_gradient(network).accuracy == 0.5


@every_instruction_set
def test_accuracies_of_values_are_nan_throughout_a_run(instruction_set):
    random = np.random.default_rng(1)
    X, y, seen = random.normal(size=(50, 3)), random.normal(size=50), []
    network = network_of(random, [3, 4, 1], ["relu"], "identity")
    session = native(instruction_set).session(X, y, Objective("identity"))

    def on_progress(progress):
        seen.append(progress.accuracies.copy())

    session.descend(network, learning_rate=0.1, iterations=3, on_progress=on_progress)
    run = session.batches(network, rule=Adam(), batch_size=20)
    run.epoch(on_progress=on_progress)
    assert [len(accuracies) for accuracies in seen] == [3, 3]
    assert np.isnan(seen).all()


@every_instruction_set
def test_averaged_outputs_change_the_cost_alone(instruction_set):
    random = np.random.default_rng(1)
    X, y = random.normal(size=(50, 3)), random.normal(size=(50, 4))
    network = network_of(random, [3, 5, 4], ["tanh"], "identity")
    engine = native(instruction_set)
    of_sum, of_mean = (
        engine.session(X, y, Objective("identity", averages_outputs=averages))
        for averages in (False, True)
    )
    found, expected = (session.cost_and_gradient(network) for session in (of_mean, of_sum))
    assert found.cost == pytest.approx(expected.cost / 4, rel=1e-14)
    assert [a.tobytes() for a in found.gradient] == [a.tobytes() for a in expected.gradient]
    kept = engine.part(X, y, Objective("identity", averages_outputs=True))
    assert kept.cost(network) == pytest.approx(found.cost, rel=1e-14)
