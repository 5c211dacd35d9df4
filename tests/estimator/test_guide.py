"""The guide for users of scikit-learn names everything that both classes of perceptrons have."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn import neural_network

import handgrad

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "from-scikit-learn.md"
NAMES = ("MLPClassifier", "MLPRegressor")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def rows():
    """Return the first two cells of each row of the guide's tables."""
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    cells = [line.split("|")[1:3] for line in lines if line.startswith("| `")]
    return [(set(re.findall(r"`([^`]+)`", names)), said.strip()) for names, said in cells]


def public_names(estimator):
    """Return the names of parameters, attributes and methods."""
    estimator.set_params(max_iter=2, early_stopping=True)
    estimator.fit(np.eye(20), np.arange(20) % 2)
    methods = {name for name in dir(estimator) if callable(getattr(estimator, name, None))}
    names = set(estimator.get_params()) | vars(estimator).keys() | methods
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("name", NAMES)
def test_all_that_scikit_learn_has_is_said_to_be_the_same(name, rows):
    same = set().union(*(names for names, said in rows if said.startswith("same")))
    theirs = public_names(getattr(neural_network, name)())
    assert theirs - same <= {"loss"}  # of the classifier it is no parameter
    assert "loss" in same


@pytest.mark.parametrize("name", NAMES)
def test_all_that_is_new_is_named(name, rows):
    ours = public_names(getattr(handgrad, name)())
    theirs = public_names(getattr(neural_network, name)())
    known = " ".join(" ".join(names) for names, _ in rows)
    unknown = {new for new in ours - theirs if not re.search(rf"\b{new}\b", known)}
    assert unknown <= {"state", "from_state"}  # for files and conversions
