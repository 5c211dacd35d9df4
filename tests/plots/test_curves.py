"""Curves are the numbers of the history."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import plots
from handgrad.plots.curves import MOST_POINTS
from handgrad.solvers import History


def test_curves_are_the_history(history):
    left, right = plots.learning_curves(history).axes
    for axes, values in ((left, history.costs), (right, history.accuracies)):
        steps, drawn = axes.lines[0].get_data()
        np.testing.assert_array_equal(steps, np.arange(50))
        np.testing.assert_array_equal(drawn, values)
        low, high = axes.get_ylim()
        assert low == 0
        assert high >= min(1.0, values.max())
        assert axes.get_xlabel() == "step"
    assert (left.get_ylabel(), right.get_ylabel()) == ("cost", "accuracy")
    assert f"{history.costs[-1]:.4g}" in left.get_title(loc="left")


def test_a_long_curve_is_drawn_with_its_first_and_its_last_step():
    costs = np.linspace(3, 1, 100_000)
    history = History(costs, 1 - costs / 3, np.zeros(100_000))
    steps, drawn = map(np.asarray, plots.learning_curves(history).axes[0].lines[0].get_data())
    assert len(steps) <= MOST_POINTS
    assert (steps[0], steps[-1]) == (0, 99_999)
    np.testing.assert_array_equal(drawn, costs[steps])


@pytest.mark.parametrize("steps", [1, 2])
def test_a_curve_of_a_step_or_two_is_drawn(steps):
    history = History(np.full(steps, 2.0), np.zeros(steps), np.zeros(steps))
    drawn = plots.learning_curves(history).axes[0].lines[0].get_xdata()
    assert len(np.asarray(drawn)) == steps


def test_a_run_that_predicts_values_has_no_accuracies_to_draw():
    history = History(np.array([3.0, 1.0]), np.full(2, np.nan), np.zeros(2))
    (axes,) = plots.learning_curves(history).axes
    assert axes.get_ylabel() == "cost"
