"""Labels and values of Dask collections: the rows of arrays, the bits of one process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from handgrad import Network, get_engine, solvers
from handgrad.data import Blocks
from handgrad.engines.dask.collections import blocks_of
from handgrad.errors import DataError, ShapeError
from handgrad.objective import Objective

da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")

M, D = 300, 5


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(M, D))


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(1).gamma(2.0, size=(M, 2))


@pytest.fixture(scope="module")
def frame(X, values):
    columns: dict[str, Any] = {f"f{j}": X[:, j] for j in range(D)}
    columns |= {"price": values[:, 0], "area": values[:, 1]}
    columns |= {"wet": values[:, 0] > 2, "hot": (values[:, 1] > 2).astype(int)}
    return pd.DataFrame(columns)


FEATURES = [f"f{j}" for j in range(D)]


def same_leaves(found: Blocks, expected: Blocks) -> bool:
    assert found.predicts == expected.predicts
    assert found.counts.tolist() == expected.counts.tolist()
    pairs = ((found.read(leaf), expected.read(leaf)) for leaf in range(len(expected)))
    return all(
        one.dtype == other.dtype and np.array_equal(one, other)
        for leaves in pairs
        for one, other in zip(*leaves, strict=True)
    )


def test_values_in_chunks_of_any_size_are_those_of_arrays(client, X, values):
    for sizes, columns in (((300,), 1), ((64, 236), 2), ((1, 1, 297, 1), 1)):
        y = da.from_array(values, chunks=(sizes, columns))
        found = blocks_of(client, da.from_array(X, chunks=77), y, predicts="values", leaf_rows=64)
        assert same_leaves(found, Blocks.of(X, values, predicts="values", leaf_rows=64))
        assert found.target_names == ("0", "1")
    one = values[:, 0].astype(np.float32)
    for y in (one, da.from_array(one, chunks=50)):
        found = blocks_of(client, da.from_array(X), y, predicts="values", leaf_rows=64)
        assert same_leaves(found, Blocks.of(X, one, predicts="values", leaf_rows=64))


def test_columns_of_a_frame_are_values_or_labels(client, frame, X, values):
    table = dd.from_pandas(frame, npartitions=4)
    found = blocks_of(
        client, table[[*FEATURES, "area", "price"]], label=("price", "area"), predicts="values"
    )
    assert same_leaves(found, Blocks.of(X, values, predicts="values"))
    assert found.target_names == ("price", "area")
    assert found.feature_names == tuple(FEATURES)
    marks = frame[["wet", "hot"]].to_numpy(float)
    labels = blocks_of(client, table[FEATURES], table[["wet", "hot"]], predicts="labels")
    assert same_leaves(labels, Blocks.of(X, marks, predicts="labels"))
    assert labels.target_names == ("wet", "hot")
    beside = blocks_of(client, table[FEATURES], table["price"], predicts="values")
    within = blocks_of(client, table[[*FEATURES, "price"]], label="price", predicts="values")
    assert beside.target_names == ("price",)
    assert beside.targets_digest == within.targets_digest != found.targets_digest


@pytest.mark.parametrize(
    ("wrong", "predicts", "sentence"),
    [
        (np.nan, "values", r"holds nan in row 201 .* its column 'area'; expected a finite number"),
        (-np.inf, "values", r"holds -inf in row 201 .* its column 'area'"),
        (0.5, "labels", r"holds 0\.5 in row 201 .* its column 'area'; expected 1 where"),
    ],
)
def test_numbers_that_are_refused_are_named(client, frame, wrong, predicts, sentence):
    table = frame[FEATURES].assign(price=0.0, area=1.0)
    table.loc[201, "area"] = wrong
    given = dd.from_pandas(table, npartitions=3)
    with pytest.raises(DataError, match=sentence):
        blocks_of(client, given, label=("price", "area"), predicts=predicts)


def test_what_is_no_matrix_of_numbers_is_one_sentence(client, frame, X, values):
    rows, table = da.from_array(X), dd.from_pandas(frame.assign(kind="a"), npartitions=2)
    for y, options, sentence in (
        (values[:, None], {"predicts": "values"}, "y has 3 dimensions"),
        (values[:-1], {"predicts": "values"}, "y has 299"),
        (values[:, 0] > 1, {"predicts": "labels"}, "y gives one column of labels"),
        (np.array(["a"] * M), {"predicts": "values"}, "holds <U1; expected numbers"),
        (values, {"predicts": "values", "label": ("a", "b", "c")}, "2 values per sample"),
    ):
        with pytest.raises(DataError, match=sentence):
            blocks_of(client, rows, y, **options)
    nullable = dd.from_pandas(frame.astype({"price": "Float64"}), npartitions=2)
    with pytest.raises(DataError, match="'price' holds Float64; expected numbers"):
        blocks_of(client, nullable[["f0", "price"]], label="price", predicts="values")
    with pytest.raises(DataError, match="'kind' holds string"):
        blocks_of(client, table[["f0", "kind"]], label="kind", predicts="values")
    with pytest.raises(DataError, match=r"the label .*predicts='values'"):
        blocks_of(client, rows, values[:, 0])


@pytest.mark.parametrize(
    ("output", "outputs", "hidden"),
    [("identity", 2, (6, 4)), ("exp", 2, ()), ("logistic", 2, (3,)), ("softmax", 3, (6, 4))],
)
def test_networks_of_any_depth_and_output_have_the_bits_of_one_process(
    engine, one_process, X, values, output, outputs, hidden
):
    network = Network.initial(
        features=D, hidden=hidden, classes=outputs, activation="tanh", output=output, seed=2
    )
    y = {"logistic": (values > 2).astype(float), "softmax": np.arange(M) % 3}.get(output, values)
    blocks = Blocks.of(X, y, predicts=network.predicts, leaf_rows=64)
    runs = [solvers.adam(which, network, blocks, None, epochs=2) for which in (engine, one_process)]
    for one, other in zip(runs[0].network.parameters, runs[1].network.parameters, strict=True):
        assert np.array_equal(one, other)
    objective = Objective(output, alpha=0.1)
    here = engine.session(da.from_array(X, chunks=70), y, objective).cost_and_gradient(network)
    there = one_process.session(
        Blocks.of(X, y, predicts=network.predicts), None, objective
    ).cost_and_gradient(network)
    assert here.cost == there.cost
    assert engine.session(X, y, objective).cost(network) == there.cost
    assert all(map(np.array_equal, here.gradient, there.gradient))
    found = engine.outputs(network, da.from_array(X, chunks=70))
    assert found.shape == (M, network.columns)
    assert np.array_equal(found.compute(), get_engine().outputs(network, X))
    assert np.array_equal(engine.outputs(network, blocks).compute(), found.compute())


def test_targets_that_do_not_fit_are_refused(engine, X, values):
    network = Network.initial(features=D, hidden=3, classes=1, output="identity")
    session = engine.session(da.from_array(X), da.from_array(values), Objective("identity"))
    with pytest.raises(ShapeError, match="has 2 values; expected 1, like the network"):
        session.cost(network)
    with pytest.raises(ShapeError, match="predicts values"):
        engine.predict_proba(network, da.from_array(X))
    with pytest.raises(ShapeError, match="one label for each of its rows"):
        engine.session(X, values[:-1], Objective("identity"))
