from __future__ import annotations

import json

import numpy as np
import pytest

from handgrad.glassbox.live.curve import MOST_POINTS, Curve


@pytest.mark.parametrize("steps", [1, 255, 256, 257, 1000, 100_003])
@pytest.mark.parametrize("at_once", [1, 7, 5000])
def test_a_curve_has_few_points_and_its_first_and_last(steps, at_once):
    steps = min(steps, 3000) if at_once == 1 else steps
    costs, accuracies = np.linspace(2, 1, steps), np.linspace(0, 1, steps)
    curve = Curve()
    for first in range(0, steps, at_once):
        part = slice(first, first + at_once)
        curve.add(first, costs[part], accuracies[part])
    points = json.loads(curve.to_json())
    iterations = [point[0] for point in points]
    assert iterations[0] == 0
    assert iterations[-1] == steps - 1
    assert iterations == sorted(set(iterations))
    assert min(steps, MOST_POINTS // 2) <= len(points) <= MOST_POINTS + 1
    for iteration, cost, accuracy in points:
        assert cost == pytest.approx(costs[iteration], rel=1e-5)
        assert accuracy == pytest.approx(accuracies[iteration], abs=1e-4)


def test_points_of_a_curve_stay_where_they_were():
    curve = Curve()
    curve.add(0, np.ones(1000), np.ones(1000))
    before = {point[0] for point in json.loads(curve.to_json())[:-1]}
    curve.add(1000, np.ones(5), np.ones(5))
    assert before <= {point[0] for point in json.loads(curve.to_json())}


def test_a_step_that_is_measured_twice_is_shown_once():
    curve = Curve()
    curve.add(0, np.array([3.0, 2.0]), np.zeros(2))
    curve.add(1, np.array([2.0, 1.0]), np.zeros(2))
    assert [point[0] for point in json.loads(curve.to_json())] == [0, 1, 2]


def test_a_cost_that_is_not_finite_is_null():
    curve = Curve()
    curve.add(0, np.array([np.inf]), np.array([0.5]))
    assert json.loads(curve.to_json()) == [[0, None, 0.5]]


def test_a_curve_that_is_cut_continues_where_it_was_cut():
    curve = Curve()
    curve.add(0, np.arange(10.0), np.zeros(10))
    curve.cut(4)
    curve.add(4, np.array([40.0, 50.0]), np.zeros(2))
    assert [[step, cost] for step, cost, _ in json.loads(curve.to_json())] == [
        [0, 0],
        [1, 1],
        [2, 2],
        [3, 3],
        [4, 40],
        [5, 50],
    ]


def test_an_accuracy_that_values_do_not_have_is_null():
    curve = Curve()
    curve.add(0, np.array([2.5]), np.array([np.nan]))
    assert json.loads(curve.to_json()) == [[0, 2.5, None]]
