"""scikit-learn's own tests of its perceptrons, passed by ours."""

from __future__ import annotations

import pytest
from sklearn import neural_network

import handgrad
from estimator.scikit_learn_tests import USES_PRIVATE_NAMES, private_names, their_tests

# Theirs run without this, so warnings are not errors.
pytestmark = pytest.mark.filterwarnings("ignore")

TESTS = their_tests(handgrad.MLPClassifier, handgrad.MLPRegressor)
globals().update({name: test for name, test in TESTS.items() if name not in USES_PRIVATE_NAMES})


@pytest.fixture
def global_random_seed():
    """Stand in for the fixture of scikit-learn, with its usual value."""
    return 42


def test_only_tests_that_use_private_names_are_left_out():
    assert private_names().keys() == USES_PRIVATE_NAMES.keys()


def test_scikit_learn_keeps_its_own_classes():
    assert neural_network.MLPClassifier is not handgrad.MLPClassifier
    assert neural_network.MLPRegressor is not handgrad.MLPRegressor
