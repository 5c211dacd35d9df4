"""Models read from any file, and samples that fit them."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import MLPClassifier, Network, save
from handgrad.errors import DataError
from handgrad.jobs.inputs import load_model, samples_for
from handgrad.model import Model

NETWORK = Network.initial(features=2, hidden=3, classes=2)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("b,kind,a,other\n1,x,2,y\n3,y,4,x\n5,x,6,y\n")
    return str(path)


def model(**known):
    return Model(*NETWORK.parameters, class_names=("x", "y"), **known)


def labels_of(samples):
    assert samples.y is not None
    return [samples.class_names[k] for k in samples.y]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_network_a_model_and_a_classifier_are_read_as_models(tmp_path):
    classifier = MLPClassifier((3,), max_iter=2).fit([[0.0, 1.0], [1.0, 0.0]], ["x", "y"])
    path = tmp_path / "m"
    for saved, names in ((NETWORK, ("0", "1")), (model(), ("x", "y")), (classifier, ("x", "y"))):
        save(saved, path)
        assert load_model(path).class_names == names


def test_samples_are_found_by_the_names_that_the_model_stores(tmp_path, table):
    stored = model(feature_names=("a", "b"), label="kind")
    samples = samples_for(stored, tmp_path / "m", table)
    np.testing.assert_array_equal(samples.X, [[2, 1], [4, 3], [6, 5]])
    assert labels_of(samples) == ["x", "y", "x"]


def test_another_label_column_can_be_named(tmp_path, table):
    stored = model(feature_names=("a", "b"), label="kind")
    samples = samples_for(stored, tmp_path / "m", table, label="other")
    assert labels_of(samples) == ["y", "x", "y"]


def test_samples_with_other_features_are_refused(tmp_path):
    np.savez(tmp_path / "three.npz", X=np.zeros((2, 3)), y=[0, 1])
    with pytest.raises(DataError, match=r"three.npz has 3 features per sample; .*m takes 2\."):
        samples_for(model(), tmp_path / "m", str(tmp_path / "three.npz"))
