"""Histories are collected in parts, joined, and written as CSV that others read."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from handgrad.solvers.history import History, Recorder

stretches = st.lists(
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1)), max_size=5), min_size=1, max_size=8
)


@given(stretches=stretches)
def test_figures_that_came_in_parts_are_all_there(stretches):
    recorder, earlier = Recorder(), []
    for place, stretch in enumerate(stretches):
        costs, accuracies = [c for c, _ in stretch], [a for _, a in stretch]
        recorder.add(costs, accuracies, seconds=float(place))
        earlier.append((recorder.history, [array.copy() for array in recorder.history]))
    rows = [(*pair, place) for place, stretch in enumerate(stretches) for pair in stretch]
    expected = np.array(rows, dtype=float).reshape(-1, 3).T
    assert len(recorder) == len(rows)
    for found, row in zip(recorder.history, expected, strict=True):
        np.testing.assert_array_equal(found, row)
    for history, then in earlier:  # what was handed out stays as it was
        for found, row in zip(history, then, strict=True):
            np.testing.assert_array_equal(found, row)


def test_one_figure_may_come_as_a_number():
    recorder = Recorder()
    recorder.add(2.5, 0.5, seconds=1)
    assert [array.tolist() for array in recorder.history] == [[2.5], [0.5], [1.0]]


@given(stretch=st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1)), min_size=1, max_size=6))
def test_pandas_reads_the_history_as_it_was(stretch):
    costs, accuracies = np.array(stretch, dtype=float).T
    history = History(costs, accuracies, np.arange(len(stretch), dtype=float))
    frame = pd.read_csv(io.StringIO(history.to_csv()))
    assert frame.columns.tolist() == ["iteration", "cost", "accuracy", "seconds"]
    assert frame["iteration"].tolist() == list(range(len(stretch)))
    np.testing.assert_allclose(frame["cost"], history.costs, rtol=1e-9)
    np.testing.assert_allclose(frame["accuracy"], history.accuracies, rtol=1e-5)
