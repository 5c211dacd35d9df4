"""What the tests of solvers share: every engine, and a network for the irises."""

from __future__ import annotations

import pytest

from handgrad import Network, get_engine
from handgrad.engines import available_engines


@pytest.fixture(params=available_engines())
def engine(request):
    return get_engine(request.param)


@pytest.fixture
def network():
    return Network.initial(features=4, hidden=5, classes=3, dtype="float64")
