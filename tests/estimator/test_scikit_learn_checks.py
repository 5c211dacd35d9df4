"""scikit-learn's checks of estimators, with the parameters that it gives its own perceptrons."""

from __future__ import annotations

import pytest
from sklearn import neural_network
from sklearn.base import clone
from sklearn.utils._test_common.instance_generator import (
    INIT_PARAMS,
    PER_ESTIMATOR_CHECK_PARAMS,
    PER_ESTIMATOR_XFAIL_CHECKS,
)
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

import handgrad

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::FutureWarning"
)

NAMES = ("MLPClassifier", "MLPRegressor")
THEIRS = {name: getattr(neural_network, name) for name in NAMES}
OURS = {name: getattr(handgrad, name) for name in NAMES}
ESTIMATORS = [OURS[name](**INIT_PARAMS[THEIRS[name]]) for name in NAMES]


def test_scikit_learn_expects_no_failure_of_its_own_classes():
    assert not PER_ESTIMATOR_XFAIL_CHECKS.keys() & set(THEIRS.values())


@parametrize_with_checks(ESTIMATORS)
def test_every_check_passes_with_the_parameters_of_scikit_learn(estimator, check):
    of_checks = PER_ESTIMATOR_CHECK_PARAMS[THEIRS[type(estimator).__name__]]
    for parameters in of_checks.get(check.func.__name__, [{}]):
        check(clone(estimator).set_params(**parameters))


@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_checks_pass_that_scikit_learn_keeps_for_its_own_classes(estimator, check):
    check(type(estimator).__name__, estimator)
