"""Sessions of every engine: what they hold, and which networks they accept one after another."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from handgrad import Network, get_engine, notes
from handgrad.engines import available_engines
from handgrad.errors import EngineError, ShapeError
from handgrad.model import Model
from handgrad.objective import Objective

random = np.random.default_rng(8)
PIXELS = random.integers(0, 256, (40, 5), dtype=np.uint8)
LABELS = random.integers(0, 3, 40)


@pytest.fixture(params=available_engines())
def engine(request):
    return get_engine(request.param)


def network(seed=0, **settings):
    return Network.initial(features=5, hidden=4, classes=3, seed=seed, **settings)


def test_a_session_accepts_one_network_after_another(engine):
    session = engine.session(PIXELS, LABELS, Objective(alpha=0.5))
    networks = [network(0), network(1, dtype="float64"), network(2)]
    for one in [*networks, *networks]:
        weights = sum(np.sum(W.astype(float) ** 2) for W in (one.W1, one.W2))
        expected = notes.cost(one, PIXELS, LABELS) + 0.5 * weights / (2 * 40)
        assert session.cost(one) == pytest.approx(expected, rel=1e-5)
        assert session.cost_and_gradient(one).cost == pytest.approx(expected, rel=1e-5)


def test_a_network_of_more_hidden_units_fits_the_same_rows(engine):
    session = engine.session(PIXELS, LABELS, Objective())
    for hidden in (1, 9, 2):
        one = Network.initial(features=5, hidden=hidden, classes=3, dtype="float64")
        expected = notes.backward(one, PIXELS, LABELS, notes.forward(one, PIXELS))
        for found, right in zip(session.cost_and_gradient(one).gradient, expected, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-14)


def test_a_model_that_takes_bytes_as_numbers_reads_the_same_rows_anew(engine):
    session = engine.session(PIXELS, LABELS, Objective())
    pixels = network(dtype="float64")
    names = ("a", "b", "c")
    numbers = Model(*pixels.parameters, class_names=names, pixels=False)
    for one, rows in ((pixels, PIXELS / 255), (numbers, PIXELS * 1.0), (pixels, PIXELS / 255)):
        assert session.cost(one) == pytest.approx(notes.cost(pixels, rows, LABELS), rel=1e-10)


@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_array])
def test_labels_and_weights_that_change_later_change_nothing(engine, as_rows):
    labels, weights = LABELS.copy(), np.linspace(0.5, 2, 40)
    rows = as_rows(PIXELS.astype(float))
    session = engine.session(rows, labels, Objective(), weights)
    double = network().astype("float64")
    before, expected = session.cost(network()), session.cost(double)
    session = engine.session(rows, labels, Objective(), weights)
    assert session.cost(network()) == before
    labels[:], weights[:] = 0, 1
    assert session.cost(network()) == before
    assert session.cost(double) == expected  # for which the rows are made ready again


def test_a_network_that_does_not_fit_is_refused_and_the_session_stays(engine):
    session = engine.session(PIXELS, LABELS, Objective())
    expected = session.cost(network())
    with pytest.raises(ShapeError, match=r"expected \(samples, 6\)"):
        session.cost(Network.initial(features=6, hidden=4, classes=3))
    with pytest.raises(ShapeError, match="labels from 0 to 2; expected integers from 0 to 1"):
        session.cost(Network.initial(features=5, hidden=4, classes=2))
    with pytest.raises(ShapeError, match="is logistic; expected softmax"):
        session.cost(Network([[0.0] * 5], [[0.0]], [[0.0]], [[0.0]], output="logistic"))
    assert session.cost(network()) == expected


@pytest.mark.parametrize("objective", [None, "softmax", 0.5])
def test_what_is_not_an_objective_is_refused(engine, objective):
    with pytest.raises(EngineError, match=r"objective is .*; expected an Objective"):
        engine.session(PIXELS, LABELS, objective)


def test_the_first_pass_checks_the_weights(engine):
    session = engine.session(PIXELS, LABELS, Objective(), np.zeros(40))
    with pytest.raises(ShapeError, match="only zeros"):
        session.cost(network())


def test_another_thread_may_bring_another_type_in_between(engine):
    class Interrupted(Network):
        """Reads the rows at the moment at which another thread uses the session."""

        @property
        def reading(self):
            session.cost(network())
            return super().reading

    session = engine.session(PIXELS, LABELS, Objective())
    double = network(dtype="float64")
    expected = session.cost(double)
    assert session.cost(Interrupted(*double.parameters)) == expected


def test_values_are_read_anew_for_a_network_of_a_wider_type(engine):
    values = np.linspace(0, 1, 40)[:, None] / 3
    of_values = Network.initial(features=5, hidden=4, classes=1, output="identity")
    session = engine.session(PIXELS, values, Objective("identity"))
    session.cost(of_values)
    wide = of_values.astype("float64")
    alone = engine.session(PIXELS, values, Objective("identity")).cost(wide)
    assert session.cost(wide) == alone
