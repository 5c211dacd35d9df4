"""Predictions as CSV, read back by Python's own reader and by pandas."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import Network
from handgrad.jobs.predictions import prediction_rows, predictions_csv
from handgrad.model import Model

if TYPE_CHECKING:
    from handgrad.network import Output


def model_of(names, output: Output = "softmax", columns=None):
    return Model.of(
        Network.initial(features=1, hidden=1, classes=columns or len(names), output=output),
        class_names=tuple(names),
    )


printable = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)


@given(
    names=st.lists(printable, max_size=6),
    classes=st.lists(printable, min_size=1, max_size=4, unique=True),
)
def test_any_printable_text_comes_back_as_it_was(names, classes):
    random = np.random.default_rng(len(names))
    probabilities = random.dirichlet(np.ones(len(classes)), len(names))
    labels = [classes[k] for k in probabilities.argmax(axis=1)]
    text = predictions_csv(model_of(classes), names, probabilities)
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["sample", "label", *(f"p_{name}" for name in classes)]
    assert [row[:2] for row in rows] == [list(pair) for pair in zip(names, labels, strict=True)]
    if rows:
        found = np.array([row[2:] for row in rows], dtype=float)
        np.testing.assert_allclose(found, probabilities, rtol=1e-5)


def test_pandas_reads_the_probabilities_as_numbers():
    text = predictions_csv(model_of("ab"), ["1", "2"], np.array([[1e-9, 1.0], [0.5, 0.5]]))
    frame = pd.read_csv(io.StringIO(text))
    assert frame["p_a"].tolist() == [1e-9, 0.5]
    assert frame["label"].tolist() == ["b", "a"]


@given(name=st.text(max_size=20))
def test_no_name_reaches_a_terminal_as_a_command(name):
    text = predictions_csv(model_of([name]), [name], np.ones((1, 1)))
    text.encode()  # no half of a surrogate pair
    assert len(text.split("\n")) == 3
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in text.replace("\n", ""))


def test_predictions_of_other_samples_are_refused():
    with pytest.raises(ValueError, match="zip"):
        predictions_csv(model_of("a"), ["a"], np.ones((2, 1)))


def test_values_have_one_column_each_in_the_shortest_form():
    model = model_of(["price", "height"], "identity")
    outputs = np.array([[0.1, 1e20], [-3.0, 2.5]], np.float32)
    text = predictions_csv(model, ["a", "b"], outputs)
    assert text == "sample,price,height\na,0.1,1e+20\nb,-3.0,2.5\n"
    read = pd.read_csv(io.StringIO(text))[["price", "height"]].to_numpy(np.float32)
    np.testing.assert_array_equal(read, outputs)
    rows = prediction_rows(model, ["a", "b"], outputs)
    assert rows[1] == {"sample": "b", "values": [-3.0, 2.5]}


def test_several_labels_are_marked_and_listed():
    model, outputs = model_of(["spam", "urgent"], "logistic"), np.array([[0.75, 0.5], [0.25, 0.0]])
    assert predictions_csv(model, ["a", "b"], outputs).splitlines() == [
        "sample,spam,urgent,p_spam,p_urgent",
        "a,1,0,0.75,0.5",
        "b,0,0,0.25,0",
    ]
    first, second = prediction_rows(model, ["a", "b"], outputs)
    assert first == {"sample": "a", "labels": ["spam"], "probabilities": [0.75, 0.5]}
    assert second["labels"] == []


def test_two_classes_of_a_single_output_have_a_column_each():
    model = model_of(["no", "yes"], "logistic", columns=1)
    text = predictions_csv(model, ["a"], np.array([[0.25, 0.75]]))
    assert text.splitlines() == ["sample,label,p_no,p_yes", "a,yes,0.25,0.75"]
