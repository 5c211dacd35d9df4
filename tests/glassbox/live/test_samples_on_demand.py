"""Samples of the whole data set, as the page asks for them."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassbox.live.serving import (
    ask,
    client,
    token,
)
from handgrad import Network, data, get_engine
from handgrad.glassbox.live.run import LiveRun
from handgrad.glassbox.live.server import LiveServer
from handgrad.glassbox.payload import build_payload
from handgrad.solvers import Training


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("label", [None, 0, 2])
def test_samples_are_those_of_the_data_set(quiet, dataset, part, label):
    X, y = {"train": (dataset.X_train, dataset.y_train), "test": (dataset.X_test, dataset.y_test)}[
        part
    ]
    places = np.arange(len(y)) if label is None else np.flatnonzero(y == label)
    query = {"part": part, "first": 3, "count": 4} | ({} if label is None else {"label": label})
    with client(quiet) as asking:
        answer = asking.get("samples", params=query).json()
    chosen = places[3:7]
    samples = answer["samples"]
    assert answer["total"] == len(places)
    assert samples["names"] == [str(place) for place in chosen]
    assert samples["y"] == y[chosen].tolist()
    pixels = np.frombuffer(base64.b64decode(samples["X"]), np.uint8).reshape(samples["count"], -1)
    np.testing.assert_array_equal(pixels, X[chosen])


def test_all_pages_of_samples_together_are_the_whole_part():
    whole = data.load("digits")
    network = Network.initial(features=64, hidden=2, classes=10, seed=0)
    run = LiveRun(
        network, whole, engine=get_engine(), training=Training(learning_rate=0.1, iterations=1)
    )
    with_ends = LiveServer(run, lambda network: build_payload(network, live=True), port=0)
    try:
        with client(with_ends) as asking:
            rows = []
            for first in range(0, len(whole.X_train), 500):
                query = {"part": "train", "first": first, "count": 500}
                samples = asking.get("samples", params=query).json()["samples"]
                dtype = np.dtype(samples["dtype"]).newbyteorder("<")
                rows.append(np.frombuffer(base64.b64decode(samples["X"]), dtype).reshape(-1, 64))
        np.testing.assert_array_equal(np.concatenate(rows), whole.X_train)
    finally:
        with_ends.close()


@pytest.mark.parametrize(
    "query",
    [
        "part=all",
        "first=-1",
        "first=x",
        "count=501",
        "count=1.5",
        "label=3",
        "label=",
        "first=9999999",
        "first=" + "9" * 400,
        "count=" + "9" * 5000,
        "count=1e1",
        "count=NaN",
        "count=",
        "count=%D9%A3",
        "label=%ff%fe",
        "first=%00",
        "part=%ff",
        "part=" + "x" * 10_000,
        "part=train&part=all",
        "count=1&count=-1",
        "label=1&label=3",
    ],
)
def test_samples_that_are_not_there_are_refused_with_a_sentence(quiet, query):
    with client(quiet) as asking:
        response = asking.get(f"samples?{query}")
    assert response.status_code == 400
    assert "expected" in response.json()["error"]
    assert len(response.content) < 300


path_characters = st.characters(min_codepoint=33, max_codepoint=126)


queries = st.one_of(
    st.text(path_characters),
    st.dictionaries(
        st.sampled_from(["part", "first", "count", "label"]),
        st.one_of(st.text(max_size=30), st.integers().map(str), st.floats().map(str)),
    ).map(urlencode),
)


@given(queries)
def test_no_query_is_a_failure_of_the_server(quiet, query):
    target = f"/{token(quiet)}/samples?{query}".encode()
    assert ask(quiet, target, headers=["Connection: close"])[0] in (200, 400)
