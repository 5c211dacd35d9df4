"""A hundred of the random configurations that `.ci/agreement` compares with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from estimator.agreement import Comparison, compare, losses_of_scikit_learn, main
from estimator.configurations import Samples, configuration
from estimator.disagreement import reason


@pytest.mark.parametrize("number", range(100))
def test_losses_follow_scikit_learn(number):
    compared = compare(configuration(number))
    if compared.is_finite:
        np.testing.assert_allclose(compared.ours, compared.theirs, rtol=compared.tolerance)


def test_a_number_stands_for_one_configuration():
    first, again = configuration(7), configuration(7)
    assert str(first) == str(again)
    np.testing.assert_array_equal(first.samples.y, again.samples.y)


@pytest.mark.parametrize(
    "ours", [[1.0, 0.5 + 1e-5], [1.0], [], [1.0, np.nan], [1.0, np.inf]], ids=str
)
def test_other_losses_disagree(ours):
    given = configuration(0)._replace(dtype="float64")
    theirs = np.array([1.0, 0.5])
    assert not Comparison(given, np.array(ours), theirs).agrees
    assert Comparison(given, theirs + 1e-9, theirs).agrees


def test_a_report_names_what_disagrees(monkeypatch, capsys):
    right = compare(configuration(1))
    wrong = right._replace(ours=right.theirs * 2)
    monkeypatch.setattr("estimator.agreement.compare", lambda _: wrong)
    assert main(["--number", "1"]) == 1
    out = capsys.readouterr().out
    assert f"difference 1.0e+00 in {right.configuration}\n    no reason is known" in out


def test_rounding_and_clipping_are_reasons_to_disagree():
    given = next(one for one in map(configuration, range(99)) if one.task == "two classes")
    theirs = losses_of_scikit_learn(given)
    assert reason(given, theirs, 1e-3, losses_of_scikit_learn) == ""
    assert "the last digit" in reason(given, 1.1 * theirs, 1e-3, losses_of_scikit_learn)
    X, y, weights = given.samples
    far = given._replace(samples=Samples(X * 1e5, y, weights))
    assert "clips" in reason(far, theirs, 1e-3, losses_of_scikit_learn)
