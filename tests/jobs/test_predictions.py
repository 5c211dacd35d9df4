"""Predictions as CSV, read back by Python's own reader and by pandas."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.jobs.predictions import predictions_csv

printable = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)


@given(names=st.lists(printable, max_size=6), classes=st.lists(printable, min_size=1, max_size=4))
def test_any_printable_text_comes_back_as_it_was(names, classes):
    random = np.random.default_rng(len(names))
    probabilities = random.dirichlet(np.ones(len(classes)), len(names))
    labels = [classes[k] for k in probabilities.argmax(axis=1)]
    text = predictions_csv(names, labels, probabilities, classes)
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["sample", "label", *(f"p_{name}" for name in classes)]
    assert [row[:2] for row in rows] == [list(pair) for pair in zip(names, labels, strict=True)]
    if rows:
        found = np.array([row[2:] for row in rows], dtype=float)
        np.testing.assert_allclose(found, probabilities, rtol=1e-5)


def test_pandas_reads_the_probabilities_as_numbers():
    text = predictions_csv(["1", "2"], ["b", "a"], np.array([[1e-9, 1.0], [0.5, 0.5]]), ["a", "b"])
    frame = pd.read_csv(io.StringIO(text))
    assert frame["p_a"].tolist() == [1e-9, 0.5]
    assert frame["label"].tolist() == ["b", "a"]


@given(name=st.text(max_size=20))
def test_no_name_reaches_a_terminal_as_a_command(name):
    text = predictions_csv([name], ["a"], np.ones((1, 1)), ["a"])
    text.encode()  # no half of a surrogate pair
    assert len(text.split("\n")) == 3
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in text.replace("\n", ""))


def test_labels_for_other_samples_are_refused():
    with pytest.raises(ValueError, match="zip"):
        predictions_csv(["a"], [], np.ones((1, 1)), ["a"])
