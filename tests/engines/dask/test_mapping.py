"""Functions of leaves on a cluster: their order, their bits, and workers that die meanwhile."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from handgrad.errors import DataError
from handgrad.evaluation import evaluate, predicted_classes, predicted_probabilities


@pytest.fixture(params=["files", "memory", "sent"])
def leaves(request, blocks, in_files, monkeypatch):
    """The same rows in files that workers read, in a small pickle, and sent leaf by leaf."""
    if request.param == "sent":
        monkeypatch.setattr("handgrad.engines.dask.leaf_tasks.MOST_PICKLED", 0)
    return in_files if request.param == "files" else blocks


def test_results_come_in_the_order_of_the_leaves(engine, one_process, leaves, rows, network):
    there = predicted_probabilities(network, leaves, engine=engine)
    here = predicted_probabilities(network, leaves, engine=one_process)
    np.testing.assert_array_equal(there, here)
    labels, _ = zip(*predicted_classes(network, leaves, engine=engine), strict=True)
    np.testing.assert_array_equal(np.concatenate(labels), rows[1])


def test_an_evaluation_has_the_bits_of_one_process(engine, one_process, leaves, network):
    there, here = (evaluate(network, leaves, None, engine=e) for e in (engine, one_process))
    assert there.cost == here.cost
    np.testing.assert_array_equal(there.confusion, here.confusion)


def test_a_killed_worker_changes_no_result(engine, one_process, client, leaves, network):
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for labels, classes in predicted_classes(network, leaves, engine=engine):
        if len(found) == 3:
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        found.append((labels, classes))
    expected = predicted_classes(network, leaves, engine=one_process)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_error_of_the_function_is_raised_here(engine, leaves, network):
    broken = network.with_parameters(np.full_like(array, 1e38) for array in network.parameters)
    with pytest.raises(DataError, match="overflow"):
        evaluate(broken, leaves, None, engine=engine)
