"""What every engine promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from handgrad import Network, get_engine, notes
from handgrad.data import Blocks
from handgrad.engines import Adam, Progress, Sgd, available_engines
from handgrad.errors import EngineError, ShapeError
from handgrad.model import Model
from handgrad.objective import Objective
from handgrad.rows import PIXEL_SCALE, Bytes, values_of
from strategies import problems

every_engine = pytest.mark.parametrize(
    "engine", [get_engine(name) for name in available_engines()], ids=lambda engine: engine.name
)


@every_engine
@given(problems())
def test_the_engine_gives_the_figures_of_the_notes(engine, problem):
    network, X, y = problem
    cost, gradient = engine.cost_and_gradient(network, X, y)
    expected = notes.backward(network, X, y, notes.forward(network, X))
    rounding = 1e-6 if network.dtype == np.float32 else 1e-12  # of logits about 1
    np.testing.assert_allclose(cost, notes.cost(network, X, y), rtol=1e-5, atol=rounding)
    for found, matrix in zip(gradient, expected, strict=True):
        assert found.dtype == network.dtype
        np.testing.assert_allclose(found, matrix, rtol=1e-5, atol=1e-7)


@every_engine
@given(problems(), st.booleans())
def test_a_measurement_is_cost_gradient_and_the_share_of_rows_predicted_right(
    engine, problem, weighted
):
    network, X, y = problem
    weights = np.arange(1, len(y) + 1) if weighted else None
    cost, gradient, accuracy = engine.session(X, y, Objective(), weights).cost_and_gradient(network)
    expected_cost, expected = engine.cost_and_gradient(network, X, y, sample_weight=weights)
    assert cost == expected_cost
    for found, matrix in zip(gradient, expected, strict=True):
        np.testing.assert_array_equal(found, matrix)
    assert isinstance(accuracy, float)
    assert accuracy == np.mean(notes.predict(network, X) == y)


@every_engine
@given(problems(dtype=np.float64), st.data())
def test_a_weight_counts_as_the_row_given_so_many_times(engine, problem, data):
    network, X, y = problem
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(y), max_size=len(y)).filter(any))
    cost, gradient = engine.cost_and_gradient(network, X, y, sample_weight=weights)
    repeated = engine.cost_and_gradient(network, X.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(cost, repeated[0], rtol=1e-12, atol=1e-15)
    for found, expected in zip(gradient, repeated[1], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-14)


@every_engine
@pytest.mark.parametrize("weights", [[1, 1], [1, -1, 1], [0, 0, 0], [1, np.nan, 1], [1, np.inf, 1]])
def test_weights_out_of_range_are_refused(weights, engine):
    network = Network.initial(features=2, classes=2)
    with pytest.raises(ShapeError, match="expected"):
        engine.cost_and_gradient(network, np.ones((3, 2)), [0, 1, 0], sample_weight=weights)


@every_engine
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite_are_refused(bad, engine):
    network = Network.initial(features=2, classes=2)
    X = np.array([[0.0, bad]])
    with pytest.raises(ShapeError, match="NaN or infinite"):
        engine.cost_and_gradient(network, X, [0])
    with pytest.raises(ShapeError, match="NaN or infinite"):
        engine.predict_proba(network, X)


@every_engine
@given(problems())
def test_probabilities_have_samples_as_rows(engine, problem):
    network, X, _ = problem
    probabilities = engine.predict_proba(network, X)
    assert probabilities.shape == (len(X), network.K)
    expected = notes.forward(network, X).A2.T
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5, atol=1e-7)


@every_engine
def test_no_rows_have_no_probabilities(engine):
    network = Network.initial(features=2, classes=3)
    assert engine.predict_proba(network, np.ones((0, 2))).shape == (0, 3)
    with pytest.raises(ShapeError, match="no samples"):
        engine.cost_and_gradient(network, np.ones((0, 2)), np.zeros(0, int))


@pytest.fixture
def problem():
    random = np.random.default_rng(5)
    network = Network.initial(features=4, hidden=3, classes=3, dtype=np.float64)
    return network, random.normal(size=(30, 4)), random.integers(3, size=30)


@every_engine
def test_a_run_is_one_step_of_the_notes_after_another(problem, engine):
    network, X, y = problem
    last, costs = engine.descend(network, X, y, learning_rate=0.2, iterations=7)
    expected = network
    for cost in costs:
        assert cost == pytest.approx(notes.cost(expected, X, y), rel=1e-13)
        gradient = notes.backward(expected, X, y, notes.forward(expected, X))
        expected = notes.descend(expected, gradient, 0.2)
    assert len(costs) == 7
    for found, matrix in zip(last.parameters, expected.parameters, strict=True):
        np.testing.assert_allclose(found, matrix, rtol=1e-12)


@every_engine
def test_a_run_may_be_empty_but_not_less(problem, engine):
    last, costs = engine.descend(*problem, learning_rate=0.2, iterations=0)
    assert last is problem[0]
    assert len(costs) == 0
    with pytest.raises(EngineError, match="whole number of 0 or more"):
        engine.descend(*problem, learning_rate=0.2, iterations=-1)


@every_engine
def test_a_weighted_run_lowers_the_weighted_cost(problem, engine):
    network, X, y = problem
    weights = np.arange(30.0)
    last, costs = engine.descend(
        network, X, y, learning_rate=0.1, iterations=20, sample_weight=weights
    )
    assert (np.diff(costs) < 0).all()
    assert engine.cost_and_gradient(last, X, y, weights)[0] < costs[-1]


@every_engine
def test_progress_tells_each_cost_and_accuracy_of_the_network_at_hand(problem, engine):
    network, X, y = problem
    seen: list[Progress] = []
    engine.descend(network, X, y, learning_rate=0.1, iterations=4, on_progress=seen.append)
    assert len(seen[-1].costs) == 4
    for progress in seen:
        assert len(progress.accuracies) == len(progress.costs)
        assert progress.costs[-1] == pytest.approx(notes.cost(progress.network, X, y), rel=1e-13)
        right = np.mean(notes.predict(progress.network, X) == y)
        assert progress.accuracies[-1] == right


@every_engine
def test_a_run_stops_when_progress_says_so(problem, engine):
    network, X, y = problem
    seen = []

    def stop(progress):
        seen.append(progress)
        return len(seen) == 2

    last, costs = engine.descend(
        network, X, y, learning_rate=0.1, iterations=10**6, on_progress=stop
    )
    assert len(costs) == len(seen[1].costs) - 1 < 10**6 - 1
    np.testing.assert_array_equal(costs, seen[1].costs[:-1])
    np.testing.assert_array_equal(last.W1, seen[1].network.W1)
    assert notes.cost(last, X, y) == pytest.approx(seen[1].costs[-1], rel=1e-13)


@every_engine
def test_what_progress_raises_ends_the_run(problem, engine):
    def fail(_progress):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        engine.descend(*problem, learning_rate=0.1, iterations=3, on_progress=fail)
    run = engine.batches(*problem, rule=Sgd(), batch_size=4)
    with pytest.raises(ZeroDivisionError):
        run.epoch(on_progress=fail)


@every_engine
def test_pixels_and_scaled_pixels_train_alike(engine):
    random = np.random.default_rng(1)
    pixels, y = random.integers(0, 256, (20, 6), dtype=np.uint8), random.integers(2, size=20)
    network = Network.initial(features=6, hidden=3, classes=2, dtype=np.float64)
    one, other = (
        engine.descend(network, X, y, learning_rate=0.1, iterations=5)[0]
        for X in (pixels, pixels / 255)
    )
    np.testing.assert_allclose(one.W1, other.W1, rtol=1e-12)


@every_engine
def test_the_engine_says_what_it_runs_on(engine):
    assert get_engine(engine.name).name == engine.name
    assert engine.threads >= 1
    assert engine.instruction_set


@every_engine
def test_a_logistic_output_has_the_binary_cross_entropy(engine):
    random = np.random.default_rng(5)
    X, y = random.normal(size=(60, 4)), random.integers(2, size=60)
    W1, b1, W2, b2 = Network.initial(features=4, hidden=3, classes=1, dtype=np.float64).parameters
    network = Network(W1, b1, W2, b2, output="logistic")
    last, costs = engine.descend(network, X, y, learning_rate=0.3, iterations=1, alpha=0.6)
    A1 = np.maximum(W1 @ X.T + b1, 0)
    p = 1 / (1 + np.exp(-W2[0] @ A1))
    logistic = -np.mean(np.where(y == 1, np.log(p), np.log(1 - p)))
    penalty = 0.6 / 2 / 60 * (np.sum(network.W1**2) + np.sum(W2**2))
    np.testing.assert_allclose(costs[0], logistic + penalty)
    slope = A1 @ (p - y) / 60 + 0.6 / 60 * W2[0]
    np.testing.assert_allclose(last.W2[0], W2[0] - 0.3 * slope, atol=1e-12)
    np.testing.assert_allclose(engine.predict_proba(network, X), np.stack([1 - p, p], axis=1))


@every_engine
@pytest.mark.parametrize("alpha", [-1, np.nan, np.inf])
def test_an_alpha_below_zero_is_refused(alpha, problem, engine):
    network, X, y = problem
    with pytest.raises(EngineError, match="alpha"):
        engine.descend(network, X, y, learning_rate=0.1, iterations=1, alpha=alpha)
    with pytest.raises(EngineError, match="alpha"):
        engine.batches(network, X, y, rule=Sgd(), batch_size=3, alpha=alpha)


@every_engine
@given(problems())
def test_a_sample_is_predicted_as_in_a_batch(engine, problem):
    network, X, _ = problem
    predictor = engine.predictor(network)
    expected = notes.forward(network, X).A2.T
    for x, probabilities in zip(X.astype(network.dtype), expected, strict=True):
        found = predictor.probabilities(x)
        assert found.dtype == network.dtype
        np.testing.assert_allclose(found, probabilities, rtol=2e-5, atol=1e-7)
        label = predictor.label(x)
        assert probabilities[label] >= probabilities.max() - 1e-6


@every_engine
@pytest.mark.parametrize("output", ["identity", "exp", "logistic"])
def test_only_a_class_is_the_label_of_a_sample(engine, output):
    network = Network.initial(features=2, hidden=4, classes=3, output=output)
    predictor = engine.predictor(network)
    assert predictor.probabilities([0.0, 1.0]).shape == (3,)
    with pytest.raises(ShapeError, match=f"predicts {network.predicts} by its output {output}"):
        predictor.label([0.0, 1.0])


@every_engine
def test_a_sample_may_be_pixels_or_anything_real(engine):
    network = Network.initial(features=3, hidden=4, classes=3, dtype=np.float64)
    predictor = engine.predictor(network)
    pixels = np.array([0, 51, 255], dtype=np.uint8)
    expected = notes.forward(network, pixels[None]).A2[:, 0]
    strided = np.zeros((3, 2))
    strided[:, 0] = pixels / 255
    for x in (pixels, pixels / 255, list(pixels / 255), strided[:, 0]):
        np.testing.assert_allclose(predictor.probabilities(x), expected, rtol=1e-12)
        assert predictor.label(x) == expected.argmax()


@every_engine
@pytest.mark.parametrize("x", [[0.0], [[0.0, 1.0, 2.0]], [0.0, 1.0, np.nan], ["a", "b", "c"]])
def test_what_is_not_a_sample_is_refused(engine, x):
    predictor = engine.predictor(Network.initial(features=3))
    for x_or_array in (x, np.asarray(x)):
        with pytest.raises(ShapeError, match="expected"):
            predictor.label(x_or_array)
        with pytest.raises(ShapeError, match="expected"):
            predictor.probabilities(x_or_array)


@every_engine
def test_pixels_that_nobody_scaled_are_refused_in_samples_too(engine):
    network = Network.initial(features=4, classes=2)
    model = Model(*network.parameters, class_names=("a", "b"), scaling=PIXEL_SCALE)
    predictor = engine.predictor(model)
    assert predictor.label(np.array([0, 0, 9, 255], np.uint8)) in (0, 1)
    with pytest.raises(ShapeError, match="trained on pixels"):
        predictor.label(np.array([0, 0, 9, 255], np.float32))


@every_engine
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_sparse_rows_give_what_dense_rows_give(engine, dtype):
    random = np.random.default_rng(4)
    dense = (random.integers(0, 9, (40, 12)) * (random.random((40, 12)) < 0.2)).astype(dtype)
    y = random.integers(3, size=40)
    network = Network.initial(features=12, hidden=5, classes=3, dtype=np.float64)
    expected_cost, expected = engine.cost_and_gradient(network, dense, y)
    run = engine.batches(network, dense, y, rule=Adam(), batch_size=7)
    expected_costs = run.epoch()
    for kind in (sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.coo_array):
        X = kind(dense)
        cost, gradient = engine.cost_and_gradient(network, X, y)
        assert cost == pytest.approx(expected_cost, rel=1e-12)
        for found, matrix in zip(gradient, expected, strict=True):
            np.testing.assert_allclose(found, matrix, rtol=1e-11, atol=1e-15)
        np.testing.assert_allclose(
            engine.predict_proba(network, X), engine.predict_proba(network, dense), rtol=1e-12
        )
        run = engine.batches(network, X, y, rule=Adam(), batch_size=7)
        np.testing.assert_allclose(run.epoch(), expected_costs, rtol=1e-11)


@every_engine
def test_sparse_rows_that_do_not_fit_are_refused(engine):
    network = Network.initial(features=3, classes=2)
    with pytest.raises(ShapeError, match="samples are rows"):
        engine.predict_proba(network, sparse.csr_array((2, 4)))
    with pytest.raises(ShapeError, match="NaN or infinite"):
        engine.predict_proba(network, sparse.csr_array([[0, np.nan, 0]]))
    with pytest.raises(ShapeError, match="real numbers"):
        engine.predict_proba(network, sparse.csr_array([[0, 1j, 0]]))


@every_engine
@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_a_sample_may_lie_anywhere_in_memory(engine, dtype):
    predictor = engine.predictor(Network.initial(features=3, classes=2))
    size = np.dtype(dtype).itemsize
    x = np.ndarray((3,), dtype, b"\0" + bytes(3 * size), 1)
    np.testing.assert_array_equal(predictor.probabilities(x), predictor.probabilities(x.copy()))


@every_engine
def test_what_a_callback_writes_to_the_labels_changes_nothing(engine):
    random = np.random.default_rng(0)
    X, y = random.normal(size=(40, 3)), random.integers(2, size=40)
    network = Network.initial(features=3, hidden=4, classes=2, dtype="float64")
    options = {"learning_rate": 0.5, "iterations": 20}
    expected, _ = engine.descend(network, X, y, **options)
    for wrong in (-1, 0, 100):
        mine = y.copy()
        found, _ = engine.descend(
            network, X, mine, **options, on_progress=lambda _, mine=mine, w=wrong: mine.fill(w)
        )
        np.testing.assert_array_equal(found.W1, expected.W1)


@every_engine
@pytest.mark.parametrize("pixels", [True, False])
def test_a_function_of_leaves_gets_the_rows_as_the_engine_reads_them(engine, pixels):
    X, y = np.arange(14, dtype=np.uint8).reshape(7, 2), np.array([1, 0, 1, 1, 0, 0, 1])
    blocks = replace(Blocks.of(X, y, leaf_rows=3), pixels=pixels)
    results = list(engine.map_leaves(lambda *given: given, blocks))
    assert [given for given, _, _ in results] == [engine] * 3
    np.testing.assert_array_equal(np.concatenate([values_of(rows) for _, rows, _ in results]), X)
    assert {type(rows) for _, rows, _ in results} == {np.ndarray if pixels else Bytes}
    assert np.concatenate([labels for _, _, labels in results]).tolist() == y.tolist()
