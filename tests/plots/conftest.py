"""A history and a model to draw."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import Network
from handgrad.model import Model
from handgrad.solvers import History


@pytest.fixture
def history():
    random = np.random.default_rng(1)
    return History(random.random(50) + 1, random.random(50), np.arange(50.0))


@pytest.fixture
def pictures():
    random = np.random.default_rng(2)
    W1, W2 = random.normal(size=(6, 12)), random.normal(size=(3, 6))
    network = Network(W1, np.zeros((6, 1)), W2, np.zeros((3, 1)))
    model = Model(*network.parameters, class_names=("ant", "bee", "cow"), image_shape=(3, 4))
    return model, random.random((40, 12)), random.integers(3, size=40)
