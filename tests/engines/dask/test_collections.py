"""Dask arrays and data frames as rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from handgrad import Network, get_engine
from handgrad.data import Blocks
from handgrad.engines.dask.collections import blocks_of, is_collection
from handgrad.errors import DataError, ShapeError
from handgrad.objective import Objective

da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")


@pytest.fixture(scope="session")
def frame(rows):
    X, y = rows
    return pd.DataFrame(
        {
            "length": X[:, 0].astype(np.float32) / 7,
            "count": X[:, 1].astype(np.int64),
            "is_wide": X[:, 2] > 100,
            "kind": np.array(["setosa", "versicolor", "virginica"])[y],
        }
    )


@pytest.mark.parametrize(
    ("sizes", "columns", "labels"),
    [((1,), 12, 1), ((64, 64), 5, 64), ((63, 1, 129), 12, 1000), ((1, 1, 400, 5), 1, 70)],
)
def test_chunks_of_any_size_give_the_leaves_of_arrays(client, rows, sizes, columns, labels):
    X, y = (array[: sum(sizes)] for array in rows)
    given = da.from_array(X, chunks=(sizes, columns)), da.from_array(y, chunks=labels)
    found = blocks_of(client, *given, leaf_rows=64)
    expected = Blocks.of(X, y, leaf_rows=64)
    assert found.counts.tolist() == expected.counts.tolist()
    assert found.dtype == expected.dtype
    for leaf in range(len(expected)):
        for one, other in zip(found.read(leaf), expected.read(leaf), strict=True):
            assert np.array_equal(one, other)


def test_rows_of_unknown_number_and_empty_chunks_are_counted(client, rows):
    X, y = rows
    few = da.from_array(X, chunks=(100, 5))[da.from_array(X[:, 0] > 250, chunks=100)]
    blocks = blocks_of(client, few, y[X[:, 0] > 250], leaf_rows=8)
    assert np.array_equal(blocks.read(0)[0], X[X[:, 0] > 250][:8])
    nothing = few[few[:, 0] > 300]
    with pytest.raises(DataError, match="no rows"):
        blocks_of(client, nothing, y[:0])


def test_a_frame_has_mixed_numbers_and_a_label_column(client, frame):
    blocks = blocks_of(client, dd.from_pandas(frame, npartitions=7), label="kind", leaf_rows=64)
    assert blocks.feature_names == ("length", "count", "is_wide")
    assert blocks.class_names == ("setosa", "versicolor", "virginica")
    assert blocks.dtype == np.float64
    assert not blocks.pixels
    X, y = blocks.read(3)
    part = frame.iloc[192:256]
    assert np.array_equal(X, part[["length", "count", "is_wide"]].to_numpy(dtype=float))
    assert np.array_equal(blocks.classes[y], part["kind"])


def test_labels_may_lie_beside_a_frame_and_be_missing_in_some_partitions(client, frame):
    ordered = frame.sort_values("kind", ignore_index=True)
    table = dd.from_pandas(ordered, npartitions=5)
    columns = ["length", "count"]
    beside = blocks_of(client, table[columns], table["kind"], leaf_rows=64)
    within = blocks_of(client, table[[*columns, "kind"]], label="kind", leaf_rows=64)
    assert beside.targets_digest == within.targets_digest
    assert (within.counts == 0).any()
    assert within.counts.sum() == len(frame)


def test_float32_columns_stay_float32(client, frame):
    table = dd.from_pandas(frame[["length", "kind"]], npartitions=2)
    assert blocks_of(client, table, label="kind").dtype == np.float32


def test_other_labels_have_another_fingerprint(client, rows):
    X, y = rows
    one, same, other = (
        blocks_of(client, da.from_array(X), labels).targets_digest for labels in (y, y, y[::-1])
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("columns", "y", "label", "sentence"),
    [
        (["length", "kind"], None, None, "needs labels"),
        (["length", "kind"], None, "sort", "no column 'sort'; it has 'length', 'kind'"),
        (["kind", "count"], "count", None, "holds string"),
    ],
)
def test_a_frame_without_labels_or_with_texts_is_one_sentence(
    client, frame, columns, y, label, sentence
):
    table = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(DataError, match=sentence):
        blocks_of(client, table[columns], y and table[y], label=label)


def test_an_array_that_is_no_labelled_matrix_is_one_sentence(client, rows):
    X, y = da.from_array(rows[0]), rows[1]
    for given, labels, sentence in (
        (X, None, "y is missing"),
        (X, y[:-1], "y has 999"),
        (X, rows[0], "y has 2 dimensions"),
        (X[0], y, "1 dimensions"),
    ):
        with pytest.raises(DataError, match=sentence):
            blocks_of(client, given, labels)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0.5, 1.0, 2.0, 1.0], r"the label 0\.5; expected whole numbers or texts"),
        ([0.0, np.inf, 2.0, 1.0], "the label inf"),
        (np.array([0, "a", 1, "b"], object), "numbers in some rows and texts in others"),
        (np.array([0, 1, "a", "b"], object), "numbers in some rows and texts in others"),
        (np.array([0j, 1j, 0j, 1j]), "the label"),
        (np.array([0, 1, 0, 1], "M8[s]"), "the label"),
    ],
)
def test_labels_that_are_no_classes_are_one_sentence(client, labels, sentence):
    y = da.from_array(np.array(labels), chunks=2)
    with pytest.raises(DataError, match=sentence):
        blocks_of(client, da.from_array(np.eye(4), chunks=2), y)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_labels_are_counted(client, frame, missing):
    labels = frame["kind"].astype(object).copy()
    labels[[3, 500]] = missing
    table = dd.from_pandas(frame.assign(kind=labels), npartitions=3)
    with pytest.raises(DataError, match="2 rows have no label"):
        blocks_of(client, table, label="kind")


def test_training_on_a_collection_has_the_bits_of_its_rows(
    engine, one_process, frame, rows, network
):
    X, y = rows
    found = engine.descend(
        network,
        da.from_array(X, chunks=(77, 5)),
        da.from_array(y, chunks=300),
        learning_rate=0.1,
        iterations=4,
    )
    expected = one_process.descend(network, Blocks.of(X, y), None, learning_rate=0.1, iterations=4)
    assert found[1].tolist() == expected[1].tolist()
    blocks = engine.blocks(dd.from_pandas(frame, npartitions=4), label="kind")
    small = Network.initial(features=3, hidden=4, classes=3, dtype="float64")
    numbers = frame[["length", "count", "is_wide"]].to_numpy(dtype=float)
    there = one_process.session(Blocks.of(numbers, y), None, Objective()).cost_and_gradient(small)
    here = engine.session(blocks, None, Objective()).cost_and_gradient(small)
    assert here.cost == there.cost


def test_labels_of_an_array_are_numbers_of_classes(engine, rows):
    X, y = rows
    with pytest.raises(ShapeError, match="numbers of classes"):
        engine.session(da.from_array(X), da.from_array(y.astype(float)), Objective())


def test_predictions_are_collections_of_the_same_numbers(client, engine, rows, frame, network):
    X, y = rows
    expected = get_engine().predict_proba(network, X)
    blocks = Blocks.of(X, y, leaf_rows=300)
    for given in (blocks, da.from_array(X, chunks=(128, 5))):
        found = engine.predict_proba(network, given)
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        assert np.array_equal(client.compute(found).result(), expected)
    few = da.from_array(X, chunks=(100, -1))
    few = few[few[:, 0] > 250]
    found = client.compute(engine.predict_proba(network, few)).result()
    assert np.array_equal(found, expected[X[:, 0] > 250])
    small = Network.initial(features=2, hidden=4, classes=3, dtype="float64")
    table = dd.from_pandas(frame[["length", "count"]], npartitions=3)
    found = client.compute(engine.predict_proba(small, table)).result()
    assert np.array_equal(found, get_engine().predict_proba(small, frame[["length", "count"]]))


def test_collections_are_known_without_an_import():
    assert is_collection(da.ones(3))
    assert is_collection(dd.from_pandas(pd.DataFrame({"a": [1]}), npartitions=1))
    assert not is_collection(np.ones(3))
