from __future__ import annotations

import numpy as np
import pytest

from glassbox.live.serving import client, serving
from handgrad.data import Dataset


@pytest.fixture(scope="module")
def dataset():
    random = np.random.default_rng(5)
    X = random.integers(256, size=(90, 6), dtype=np.uint8)
    y = random.integers(3, size=90)
    return Dataset(X[:60], y[:60], X[60:], y[60:], ("a", "b", "c"), (2, 3))


@pytest.fixture(scope="module")
def quiet(dataset):
    """A server whose run does nothing, for questions of who may ask what."""
    with serving(dataset, held=True) as (_, server):
        yield server


@pytest.fixture
def live(dataset):
    with serving(dataset) as (run, server), client(server) as asking:
        yield run, server, asking
