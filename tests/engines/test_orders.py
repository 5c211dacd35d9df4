"""The orders of epochs, as scikit-learn would shuffle them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils import shuffle

from handgrad import Network, get_engine
from handgrad.engines import Sgd, available_engines
from handgrad.engines.orders import shuffled

M = 7


def test_each_epoch_shuffles_the_order_of_the_epoch_before_as_scikit_learn_does():
    ours, theirs = np.random.RandomState(3), np.random.RandomState(3)
    order, expected = None, np.arange(M)
    for _ in range(3):
        order, expected = shuffled(M, ours, order), shuffle(expected, random_state=theirs)
        np.testing.assert_array_equal(order, expected)


def test_rows_stay_in_order_without_a_random_state():
    order = shuffled(M, None, None)
    np.testing.assert_array_equal(order, np.arange(M))
    np.testing.assert_array_equal(shuffled(M, None, order), order)


@pytest.mark.parametrize("engine", available_engines())
def test_every_engine_orders_rows_in_memory_alike(engine):
    network = Network.initial(features=2, hidden=3, classes=2)
    X, y = np.ones((M, 2)), np.arange(M) % 2
    batches = get_engine(engine).batches(network, X, y, rule=Sgd(), batch_size=2)
    found = batches.order(np.random.RandomState(5), None)
    np.testing.assert_array_equal(found, shuffled(M, np.random.RandomState(5), None))
    assert len(batches.epoch(found)) == 4
