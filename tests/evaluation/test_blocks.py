"""Blocks are evaluated like the same rows in memory, also on a cluster."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import Network, get_engine
from handgrad.data import Blocks, Predicts
from handgrad.evaluation import evaluate, predicted_outputs

KINDS: dict[str, Predicts] = {"identity": "values", "exp": "values", "logistic": "labels"}


def problem(output, m=37, K=2):
    """A deep network, rows, and their labels or values, some of them large and alike."""
    random = np.random.default_rng(0)
    network = Network.initial(
        features=3, hidden=(4, 3), classes=K, activation="tanh", output=output, dtype="float64"
    )
    X, y = random.normal(size=(m, 3)), random.random((m, K))
    return network, X, (y > 0.5) * 1.0 if output == "logistic" else y + np.array([0, 1e6])


@pytest.mark.parametrize("output", KINDS)
@given(leaf_rows=st.integers(1, 40))
def test_blocks_of_labels_and_values_are_evaluated_like_rows_in_memory(output, leaf_rows):
    network, X, y = problem(output)
    blocks = Blocks.of(X, y, predicts=KINDS[output], leaf_rows=leaf_rows)
    for engine in (get_engine("reference"), get_engine("auto")):
        found = evaluate(network, blocks, None, engine=engine).to_dict()
        expected = evaluate(network, X, y, engine=engine).to_dict()
        assert list(found) == list(expected)
        for name, figures in expected.items():
            np.testing.assert_allclose(found[name], figures, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(
            predicted_outputs(network, blocks, engine=engine),
            predicted_outputs(network, X, engine=engine),
            rtol=1e-9,
        )


@pytest.mark.parametrize("output", KINDS)
def test_the_figures_have_the_same_bits_whatever_the_threads(output):
    network, X, y = problem(output, m=1000)
    blocks = Blocks.of(X, y, predicts=KINDS[output], leaf_rows=64)
    one, two = (
        evaluate(network, blocks, None, engine=get_engine("auto", threads=threads)).to_dict()
        for threads in (1, 2)
    )
    assert one == two


@pytest.mark.parametrize("output", KINDS)
def test_a_cluster_finds_the_same_bits(output, cluster):
    from handgrad.engines.dask import DaskEngine

    network, X, y = problem(output, m=200)
    blocks = Blocks.of(X, y, predicts=KINDS[output], leaf_rows=64)
    there = evaluate(network, blocks, None, engine=DaskEngine(cluster.scheduler_address))
    here = evaluate(network, blocks, None, engine=get_engine("auto", threads=1))
    assert there.to_dict() == here.to_dict()
