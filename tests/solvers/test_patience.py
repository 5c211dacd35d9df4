"""Patience is spent as scikit-learn spends its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.solvers import Patience

figures = st.lists(st.floats(-10, 10), max_size=30)


def spent_at(figures, tol, iterations):
    """Return when scikit-learn's rule ends a run: more than so many figures without a new best."""
    best, waited = np.inf, 0
    for place, figure in enumerate(figures):
        waited = waited + 1 if figure > best - tol else 0
        best = min(best, figure)
        if waited > iterations:
            return place
    return None


@given(figures=figures, tol=st.sampled_from([0.0, 1e-4, 0.5]), iterations=st.integers(0, 4))
def test_it_ends_where_scikit_learns_rule_does(figures, tol, iterations):
    patience = Patience(tol, iterations)
    found = next((place for place, figure in enumerate(figures) if patience.spent(figure)), None)
    assert found == spent_at(figures, tol, iterations)


def test_an_improvement_of_exactly_tol_counts():
    patience = Patience(tol=0.5, iterations=0)
    assert [patience.spent(figure) for figure in (2.0, 1.5, 1.0, 0.75)] == [False] * 3 + [True]


def test_a_figure_that_is_not_a_number_is_not_an_improvement():
    patience = Patience(tol=0.1, iterations=1)
    assert [patience.spent(figure) for figure in (1.0, np.nan, np.nan)] == [False, False, True]


def test_it_may_have_no_end():
    patience = Patience(iterations=np.inf)
    assert not any(patience.spent(1.0) for _ in range(1000))
    assert patience.waited == 999


@pytest.mark.parametrize("figure", [3.0, -2.0])
def test_it_knows_the_lowest_figure(figure):
    patience = Patience()
    for value in (1.0, figure, 0.5):
        patience.spent(value)
    assert patience.best == min(1.0, figure, 0.5)
