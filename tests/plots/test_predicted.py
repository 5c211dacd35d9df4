"""Predicted against true values: the points are the samples, the panels the values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score

from handgrad import Network, get_engine, plots
from handgrad.layers import Layer
from handgrad.model import Model
from handgrad.plots.figures import as_png
from handgrad.plots.predicted import MOST_PANELS, MOST_POINTS


def regressor(values, dtype="float32"):
    return Network.initial(
        features=3, hidden=(5, 4), classes=values, output="identity", dtype=dtype
    )


def points_of(axes):
    return np.asarray(axes.collections[0].get_offsets())


@pytest.mark.parametrize("values", [1, 2, 4, 5])
def test_each_value_has_a_panel_whose_points_are_the_samples(values):
    random = np.random.default_rng(0)
    network, X, y = regressor(values), random.normal(size=(30, 3)), random.normal(size=(30, values))
    names = [f"v{k}" for k in range(values)]
    figure = plots.predicted_values(Model.of(network, class_names=tuple(names)), X, y)
    predicted = get_engine("reference").outputs(network, X)
    assert len(figure.axes) == values
    for k, axes in enumerate(figure.axes):
        drawn = points_of(axes)
        np.testing.assert_array_equal(drawn[:, 0], y[:, k])
        np.testing.assert_allclose(drawn[:, 1], predicted[:, k], rtol=1e-5, atol=1e-5)
        score = r2_score(y[:, k], predicted[:, k])
        assert axes.get_title(loc="left") == f"v{k}: R² {score:.4g}"
        assert axes.get_xlim() == axes.get_ylim()
        diagonal = np.asarray(axes.lines[0].get_data())
        np.testing.assert_array_equal(diagonal[0], diagonal[1])
        assert drawn.min() > axes.get_xlim()[0]
        assert drawn.max() < axes.get_xlim()[1]
    assert as_png(figure)


def test_a_vector_is_one_value():
    X = np.ones((4, 3))
    figure = plots.predicted_values(regressor(1), X, np.arange(4), names=["price"])
    np.testing.assert_array_equal(points_of(figure.axes[0])[:, 0], np.arange(4))


def test_many_values_and_samples_are_drawn_in_part():
    m = MOST_POINTS + 1
    network = regressor(MOST_PANELS + 2)
    figure = plots.predicted_values(network, np.ones((m, 3)), np.ones((m, network.K)))
    assert len(figure.axes) == MOST_PANELS
    assert len(points_of(figure.axes[0])) <= MOST_POINTS
    assert "the first 12 of 14 values" in str(figure.get_suptitle())
    assert f"{m:,} samples" in str(figure.get_suptitle())


@pytest.mark.parametrize(("size", "m"), [(1e308, 2), (-1e308, 2), (0.0, 1), (1e-320, 3)])
def test_values_at_the_ends_of_their_type_are_drawn(size, m):
    layer = Layer(np.array([[size]]), np.zeros((1, 1)), "identity")
    network = Network.of_layers([layer], "identity")
    assert as_png(plots.predicted_values(network, np.ones((m, 1)), -size * np.ones(m)))
    assert as_png(plots.predicted_values(network, np.ones((m, 1)), size * np.ones(m)))


def test_a_name_is_only_a_name():
    for name in ("$x^2$", "\x1b[31mred", "x" * 3000, ""):
        figure = plots.predicted_values(regressor(1), np.ones((2, 3)), [1.0, 2.0], names=[name])
        assert as_png(figure)
