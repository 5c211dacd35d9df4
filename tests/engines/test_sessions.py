"""What the sessions of all engines share."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import Network, get_engine
from handgrad.engines import available_engines
from handgrad.objective import Objective

every_engine = pytest.mark.parametrize(
    "engine", [get_engine(name) for name in available_engines()], ids=lambda engine: engine.name
)


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(40, 3))


def network(dtype):
    return Network.initial(features=3, hidden=4, classes=2, dtype=dtype)


@every_engine
def test_no_later_network_reads_labels_or_weights_that_changed_since_the_first(engine, rows):
    y, weights = np.arange(40) % 2, np.arange(40.0)
    expected = engine.session(rows, y.copy(), Objective(), weights.copy()).cost(network("float64"))
    session = engine.session(rows, y, Objective(), weights)
    session.cost(network("float32"))
    y[:], weights[:] = 0, 1
    assert session.cost(network("float64")) == expected


@every_engine
def test_another_thread_may_bring_another_type_in_between(engine, rows):
    class Interrupted(Network):
        """Reads the rows at the moment at which another thread uses the session."""

        @property
        def reading(self):
            session.cost(network("float32"))
            return super().reading

    session = engine.session(rows, np.arange(40) % 2, Objective())
    expected = session.cost(network("float64"))
    assert session.cost(Interrupted(*network("float64").parameters)) == expected
