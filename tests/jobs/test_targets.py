"""What a job predicts: from options to columns and outputs, and back to texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import Network
from handgrad.data.targets import TargetColumns
from handgrad.errors import DataError, ShapeError, TrainingError
from handgrad.jobs.targets import (
    as_text,
    columns_of,
    described,
    named_columns,
    names_in,
    output_for,
)
from handgrad.jobs.training import prepare_training, sizes_of
from handgrad.model import Model

# The names of a table's columns come without surrounding blanks.
NAMES = st.lists(
    st.text(st.characters(exclude_characters="\\"), min_size=1).map(str.strip).filter(bool),
    min_size=1,
    max_size=5,
    unique=True,
)


@given(NAMES)
def test_names_of_columns_come_back_from_their_text(names):
    found = names_in(as_text(TargetColumns("values", tuple(names))))
    assert found == (names[0] if len(names) == 1 else tuple(names))


def test_the_text_of_classes_is_the_name_as_it_is():
    assert as_text(TargetColumns("classes", ("Paris, France",))) == "Paris, France"


def test_columns_follow_from_what_is_asked():
    assert named_columns(None) == TargetColumns("classes", ("label",))
    assert named_columns("x", regression=True) == TargetColumns("values", ("x",))
    assert named_columns(("x", "y")) == TargetColumns("labels", ("x", "y"))
    with pytest.raises(DataError, match="twice"):
        named_columns(("x", "x"), regression=True)


def test_a_model_knows_its_columns():
    values = Network.initial(features=2, hidden=(), classes=2, output="identity")
    named, numbered = Model.of(values, class_names=("a", "b")), Model.of(values)
    assert columns_of(named, None) == TargetColumns("values", ("a", "b"))
    assert columns_of(named, ("c", "d")).names == ("c", "d")
    assert columns_of(numbered, None) == TargetColumns("values", ("0", "1"))
    single = Model.of(Network.initial(features=2, classes=1, output="identity"))
    assert columns_of(single, None) == TargetColumns("values", ("label",))
    of_table = Model.of(single, class_names=("0",), label="0")
    assert columns_of(of_table, None) == TargetColumns("values", ("0",))
    classes = Model.of(Network.initial(features=2, classes=2), label="kind")
    assert columns_of(classes, None) == TargetColumns("classes", ("kind",))


def test_a_loss_belongs_to_values():
    assert output_for("labels") == "logistic"
    with pytest.raises(TrainingError, match="belongs to values; classes have the log loss"):
        output_for("classes", "poisson")
    with pytest.raises(TrainingError, match="expected one of squared_error, poisson"):
        output_for("values", "absolute")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hidden", "shown"), [(7, 7), ((), []), ((7,), 7), ((7, 5), [7, 5]), ([3, 2, 1], [3, 2, 1])]
)
def test_layers_are_described_as_they_are_given(hidden, shown):
    network = Network.initial(features=2, hidden=sizes_of(hidden), classes=2, activation="tanh")
    activation = "tanh" if network.hidden else None
    expected = {"hidden": shown, "activation": activation, "loss": "log_loss"}
    assert described(network) == expected


@pytest.mark.parametrize("hidden", [0, (5, 0), (5, -1), (5, 2.5), ("5",), True, [[5]]])
def test_layers_that_cannot_be_are_refused(hidden):
    with pytest.raises(ShapeError, match="expected a whole number from 1 to"):
        prepare_training("digits", hidden=hidden)


def test_too_many_layers_are_refused():
    with pytest.raises(ShapeError, match="hidden names 65 layers; expected at most 64"):
        sizes_of([1] * 65)


@pytest.mark.parametrize("loss", [None, "poisson"])
def test_a_job_of_values_is_a_call_of_python(tmp_path, loss):
    random = np.random.default_rng(0)
    X = random.normal(size=(100, 3))
    np.savez(tmp_path / "rows.npz", X=X, y=np.exp(X @ [0.5, -0.3, 0.2]))
    settings: dict[str, Any] = {"solver": "lbfgs", "hidden": (8, 4), "activation": "tanh"}
    job = prepare_training(str(tmp_path / "rows.npz"), regression=True, loss=loss, **settings)
    report = job.report(job.run())
    assert report.figures["test_r2"] > 0.8
    assert report.on_test is not None
    assert report.on_test.samples == 20
    assert report.model.predicts == "values"
    assert (report.model.class_names, report.model.label) == (("0",), None)
