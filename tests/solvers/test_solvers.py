"""The solvers as functions, over every engine, against scikit-learn's optimizers and SciPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.utils import gen_batches, shuffle

from handgrad import Network, get_engine, notes, solvers
from handgrad.engines import Adam, Progress, Sgd, available_engines
from handgrad.errors import EngineError, ShapeError, TrainingError
from handgrad.objective import Objective

X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
ORDERED: dict[str, Any] = {"seed": None, "batch_size": 40}
SOLVERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "gd": (solvers.gd, {"learning_rate": 0.5, "iterations": 30}),
    "sgd": (solvers.sgd, {"rule": Sgd(0.1, momentum=0.9), "epochs": 30, "batch_size": 40}),
    "adam": (solvers.adam, {"rule": Adam(0.05), "epochs": 30, "batch_size": 40}),
    "lbfgs": (solvers.lbfgs, {"iterations": 30}),
}


@pytest.fixture(params=available_engines())
def engine(request):
    return get_engine(request.param)


@pytest.fixture
def network():
    return Network.initial(features=4, hidden=5, classes=3, dtype="float64")


def assert_same_network(found, expected, tolerance=1e-10):
    for one, other in zip(found.parameters, expected.parameters, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("watched", [False, True])
def test_every_solver_lowers_the_cost_over_every_engine(engine, network, name, watched):
    solve, options = SOLVERS[name]
    seen: list[solvers.Iteration] = []
    watch = {"on_iteration": seen.append} if watched else {}
    result = solve(engine, network, X, y, **options, **watch)
    assert result.costs[-1] < 0.5 * result.costs[0]
    if watched:
        assert [state.iteration for state in seen] == list(range(1, len(result.costs) + 1))
        assert [state.cost for state in seen] == result.costs.tolist()
        assert [state.accuracy for state in seen] == result.accuracies.tolist()
        assert all(earlier.seconds <= later.seconds for earlier, later in itertools.pairwise(seen))
        assert_same_network(seen[-1].network, result.network, tolerance=0)
    assert len(result.accuracies) == len(result.costs)
    assert result.accuracies[-1] > 0.9


@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_stops_where_it_is_told_to(engine, network, name):
    solve, options = SOLVERS[name]
    result = solve(
        engine, network, X, y, **options, on_iteration=lambda state: state.iteration == 3
    )
    assert len(result.costs) == len(result.accuracies) == 3
    assert result.converged
    whole = solve(engine, network, X, y, **options)
    np.testing.assert_array_equal(result.costs, whole.costs[:3])


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_of_the_network_stays(engine, network, name, dtype):
    solve, options = SOLVERS[name]
    result = solve(engine, network.astype(dtype), X.astype(dtype), y, **options)
    assert result.network.dtype == dtype


def test_gd_is_the_descent_of_the_engine_watched_or_not(engine, network):
    options: dict[str, Any] = {"learning_rate": 0.3, "iterations": 20}
    expected, costs = engine.descend(network, X, y, **options)
    reports: list[Progress] = []
    watches: list[dict[str, Any]] = [
        {},
        {"on_iteration": lambda _state: None},
        {"on_progress": reports.append},
    ]
    for watch in watches:
        result = solvers.gd(engine, network, X, y, **options, **watch)
        assert_same_network(result.network, expected, tolerance=0)
        np.testing.assert_array_equal(result.costs, costs)
        assert not result.converged
    np.testing.assert_array_equal(reports[-1].accuracies, result.accuracies)


def test_gd_takes_no_step_where_none_is_asked_for(engine, network):
    watches: list[dict[str, Any]] = [{}, {"on_iteration": pytest.fail}]
    for watch in watches:
        result = solvers.gd(engine, network, X, y, iterations=0, **watch)
        assert result.network is network
        assert len(result.costs) == len(result.accuracies) == 0


class Oracle:
    """Batches by scikit-learn's optimizers, over the gradients of the reference engine."""

    def __init__(self, network, optimizer, **options):
        self.arrays = [array.copy() for array in network.parameters]
        self.optimizer = optimizer(self.arrays, **options)
        self.rows, self.seen = np.arange(len(y)), 0

    def epoch(self, random=None):
        if random is not None:
            self.rows = shuffle(self.rows, random_state=random)
        engine = get_engine("reference")
        for batch in gen_batches(len(y), ORDERED["batch_size"]):
            rows = self.rows[batch]
            _, gradient = engine.cost_and_gradient(Network(*self.arrays), X[rows], y[rows])
            self.optimizer.update_params(self.arrays, list(gradient))
        self.seen += len(y)
        self.optimizer.iteration_ends(self.seen)
        return self.optimizer.learning_rate


@pytest.mark.parametrize("schedule", solvers.SCHEDULES)
@pytest.mark.parametrize("momentum", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_follows_the_optimizer_of_scikit_learn(engine, network, schedule, momentum, nesterov):
    oracle = Oracle(
        network,
        SGDOptimizer,
        learning_rate_init=0.02,
        lr_schedule=schedule,
        momentum=momentum,
        nesterov=nesterov,
        power_t=0.3,
    )
    rates = [0.02] + [oracle.epoch() for _ in range(4)]
    seen: list[solvers.Iteration] = []
    result = solvers.sgd(
        engine,
        network,
        X,
        y,
        rule=Sgd(0.02, momentum=momentum, nesterov=nesterov),
        schedule=schedule,
        power_t=0.3,
        epochs=4,
        on_iteration=seen.append,
        **ORDERED,
    )
    assert_same_network(result.network, Network(*oracle.arrays))
    np.testing.assert_allclose([state.learning_rate for state in seen], rates[:4])
    np.testing.assert_allclose(result.learning_rate, rates[4])


def test_adam_follows_the_optimizer_of_scikit_learn_in_its_order_of_rows(engine, network):
    options = {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}
    oracle = Oracle(network, AdamOptimizer, learning_rate_init=0.01, **options)
    random = np.random.RandomState(5)
    for _ in range(4):
        oracle.epoch(random)
    result = solvers.adam(
        engine, network, X, y, rule=Adam(0.01, **options), epochs=4, seed=5, batch_size=40
    )
    assert_same_network(result.network, Network(*oracle.arrays))


def test_a_run_goes_on_where_another_ended(engine, network):
    options: dict[str, Any] = {"rule": Adam(0.01), **ORDERED}
    whole = solvers.adam(engine, network, X, y, epochs=5, **options)
    first = solvers.adam(engine, network, X, y, epochs=2, **options)
    second = solvers.adam(engine, first.network, X, y, epochs=3, moments=first.moments, **options)
    assert_same_network(second.network, whole.network)


def test_an_adaptive_rate_falls_by_five_whenever_patience_is_spent(engine, network):
    rates: list[Any] = []
    seen: list[solvers.Iteration] = []
    result = solvers.sgd(
        engine,
        network,
        X,
        y,
        rule=Sgd(1e-4),
        schedule="adaptive",
        patience=solvers.Patience(tol=10, iterations=1),
        on_iteration=seen.append,
        on_stall=rates.append,
        **ORDERED,
    )
    # The first epoch improves on nothing; then each second one spends patience.
    np.testing.assert_allclose(rates[:-1], [1e-4 / 5, 1e-4 / 25, 1e-4 / 125])
    assert rates[-1] is None
    assert [state.learning_rate for state in seen][-1] == rates[-2] <= 1e-6
    assert result.converged
    assert len(result.costs) == 1 + 2 * 4


def test_another_figure_than_the_cost_may_end_a_run(engine, network):
    result = solvers.sgd(
        engine,
        network,
        X,
        y,
        patience=solvers.Patience(tol=0.1, iterations=2),
        figure=lambda state: -float(state.iteration == 4),
        **ORDERED,
    )
    assert len(result.costs) == 4 + 3


def test_lbfgs_ends_where_the_gradient_is_small(engine, network):
    weights = np.linspace(0.5, 2, len(y))
    result = solvers.lbfgs(
        engine, network, X, y, alpha=1.0, sample_weight=weights, tol=1e-5, iterations=500
    )
    assert result.converged
    assert "CONVERGENCE" in result.message
    _, gradient = engine.cost_and_gradient(result.network, X, y, weights)
    decay = 1.0 / weights.sum()
    for name, slope in gradient._asdict().items():
        weight = getattr(result.network, name[1:])
        total = slope + decay * weight if name in ("dW1", "dW2") else slope
        assert abs(total).max() < 1e-3


def test_lbfgs_says_what_limit_it_reached(engine, network):
    steps = solvers.lbfgs(engine, network, X, y, iterations=3)
    assert (len(steps.costs), steps.converged) == (3, False)
    assert "ITERATIONS" in steps.message
    asked = solvers.lbfgs(engine, network, X, y, evaluations=4)
    assert not asked.converged
    assert "EVALUATIONS" in asked.message


def test_lbfgs_that_need_not_step_says_the_cost(engine, network):
    found = solvers.lbfgs(engine, network, X, y, tol=100.0)
    assert found.converged
    cost, _ = engine.cost_and_gradient(network, X, y)
    np.testing.assert_allclose(found.costs, [cost])


@pytest.mark.parametrize("name", SOLVERS)
def test_a_logistic_output_stays_one(engine, name):
    W1, b1, W2, b2 = Network.initial(features=4, hidden=5, classes=1, dtype="float64").parameters
    network = Network(W1, b1, W2, b2, output="logistic")
    solve, options = SOLVERS[name]
    result = solve(engine, network, X, y // 2, alpha=0.1, **options)
    assert result.network.output == "logistic"
    assert result.costs[-1] < result.costs[0]
    cost = engine.session(X, y // 2, Objective("logistic", alpha=0.1)).cost(network)
    softmax = engine.session(X, y // 2, Objective(alpha=0.1)).cost(network.as_softmax())
    assert cost == pytest.approx(softmax, rel=1e-12)


def test_what_makes_no_sense_is_refused(engine, network):
    with pytest.raises(TrainingError, match="schedule is 'cosine'; expected one of constant"):
        solvers.sgd(engine, network, X, y, schedule="cosine")  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="batch_size is 0"):
        solvers.sgd(engine, network, X, y, batch_size=0)
    for solve, options in SOLVERS.values():
        with pytest.raises(EngineError, match="alpha is -1"):
            solve(engine, network, X, y, alpha=-1, **options)
        with pytest.raises(ShapeError, match="samples as columns"):
            solve(engine, network, X[:100].T, y[:100], **options)
        with pytest.raises(ShapeError, match="labels"):
            solve(engine, network, X, y + 1, **options)


def test_lbfgs_tells_the_accuracy_of_the_network_that_each_step_reached(engine, network):
    states: list[solvers.Iteration] = []
    result = solvers.lbfgs(engine, network, X, y, iterations=9, on_iteration=states.append)
    expected = [np.mean(notes.predict(state.network, X) == y) for state in states]
    np.testing.assert_allclose(result.accuracies, expected)
    assert [state.accuracy for state in states] == result.accuracies.tolist()
    silent = solvers.lbfgs(engine, network, X, y, iterations=9)
    np.testing.assert_array_equal(silent.accuracies, result.accuracies)


def test_lbfgs_asks_for_each_cost_once(network):
    engine, asked = get_engine(), []

    class Counting:
        name = engine.name

        def session(self, *given):
            session: Any = engine.session(*given)
            self.compute, session.cost_and_gradient = session.cost_and_gradient, self.count
            return session

        def count(self, network):
            asked.append(network)
            return self.compute(network)

    counting: Any = Counting()
    result = solvers.lbfgs(counting, network, X, y, iterations=9, on_iteration=lambda _: None)
    assert len(result.costs) <= len(asked) <= 2 * len(result.costs)
    pairs = itertools.pairwise(asked)
    assert not any(np.array_equal(a.W1, b.W1) for a, b in pairs)


def test_lbfgs_leaves_the_processors_to_the_engine(network):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    engine = get_engine()
    seen: set[int] = set()

    class Watching:
        name = "native"

        def session(self, *given):
            session: Any = engine.session(*given)
            self.compute, session.cost_and_gradient = session.cost_and_gradient, self.look
            return session

        def look(self, network):
            libraries = threadpoolctl.threadpool_info()
            seen.update(x["num_threads"] for x in libraries if x["user_api"] == "blas")
            return self.compute(network)

    watching: Any = Watching()
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        solvers.lbfgs(watching, network, X, y, iterations=2)
    assert seen == {1}


def test_a_stopped_gd_has_one_cost_per_step(engine, network):
    result = solvers.gd(
        engine, network, X, y, iterations=2000, on_progress=lambda progress: len(progress.costs) > 4
    )
    after, costs = engine.descend(network, X, y, learning_rate=0.1, iterations=len(result.costs))
    assert result.converged
    assert len(result.costs) == len(result.accuracies) == result.iterations
    np.testing.assert_array_equal(result.costs, costs)
    np.testing.assert_array_equal(result.network.W1, after.W1)


@pytest.mark.parametrize("watch", [{}, {"on_iteration": lambda _: None}])
def test_gd_checks_what_it_is_given_even_without_a_step(engine, network, watch):
    with pytest.raises(EngineError, match="iterations is -1"):
        solvers.gd(engine, network, X, y, iterations=-1, **watch)
    with pytest.raises(ShapeError):
        solvers.gd(engine, network, X[:, :3], y, iterations=0, **watch)
    with pytest.raises(TrainingError, match="learning_rate is 0"):
        solvers.gd(engine, network, X, y, learning_rate=0, iterations=0, **watch)


def test_what_is_no_rule_is_refused(engine, network):
    wrong: Any = 3
    with pytest.raises(TrainingError, match="rule is 3; expected an Sgd or an Adam"):
        solvers.sgd(engine, network, X, y, rule=wrong)
