"""Weights are drawn as they are, on one scale of colours around 0."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from handgrad import Network, plots
from handgrad.errors import DataError
from handgrad.model import Model
from handgrad.plots.figures import as_png


def without_legend(figure):
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def test_weights_are_pictures_on_one_scale_around_0(pictures):
    model, _, _ = pictures
    figure = plots.weight_pictures(model)
    shown = without_legend(figure)
    largest = np.abs(model.W1).max()
    assert len(shown) == 6
    for h, axes in enumerate(shown):
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array(), model.W1[h].reshape(3, 4))
        assert image.get_clim() == pytest.approx((-largest, largest))
        assert axes.get_title() == f"unit {h}"
    assert len(figure.axes) == 7  # and the legend


def test_weights_above_0_are_orange_and_weights_below_are_blue(pictures):
    image = without_legend(plots.weight_pictures(pictures[0]))[0].images[0]
    red, _, blue, _ = image.to_rgba(np.array([[1.0, 0.0, -1.0]]))[0].T
    assert red[0] > blue[0]
    assert red[2] < blue[2]
    assert abs(red[1] - blue[1]) < 0.05


def test_weights_without_an_image_shape_are_bars(pictures):
    model, _, _ = pictures
    plain = Network(*model.parameters)
    names = [f"name {j}" for j in range(12)]
    figure = plots.weight_pictures(plain, feature_names=names)
    assert len(figure.axes) == 6
    for h, axes in enumerate(figure.axes):
        bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
        np.testing.assert_array_equal([bar.get_width() for bar in bars], model.W1[h])
        for bar in bars:
            red, _, blue, _ = to_rgba(bar.get_facecolor())
            assert bar.get_width() <= 0 or red > blue
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == names
    assert len({axes.get_xlim() for axes in figure.axes}) == 1


def test_an_untrained_network_of_zeros_and_a_large_one_are_drawn():
    zeros = Network(*(np.zeros(shape) for shape in ((2, 4), (2, 1), (3, 2), (3, 1))))
    assert as_png(plots.weight_pictures(zeros, image_shape=(2, 2)))
    large = Network.initial(features=100, hidden=200, classes=2)
    assert len(without_legend(plots.weight_pictures(large, image_shape=(10, 10)))) == 64
    assert len(plots.weight_pictures(large).axes) == 64


@pytest.mark.parametrize("settings", [{"image_shape": (5, 5)}, {"feature_names": ["one"]}])
def test_shapes_and_names_that_do_not_fit_are_refused(pictures, settings):
    with pytest.raises(DataError, match="expected"):
        plots.weight_pictures(Network(*pictures[0].parameters), **settings)


@pytest.mark.parametrize(("dtype", "size"), [("f4", 3e38), ("f8", 1.7e308), ("f8", 5e-324)])
@pytest.mark.parametrize("image_shape", [None, (3, 4)])
def test_weights_at_the_ends_of_their_type_are_drawn(dtype, size, image_shape):
    W1 = np.full((2, 12), size, dtype) * np.array([[1], [-1]], dtype)
    network = Network(W1, np.zeros((2, 1), dtype), np.zeros((2, 2), dtype), np.zeros((2, 1), dtype))
    as_png(plots.weight_pictures(network, image_shape=image_shape))


@pytest.mark.parametrize("image_shape", [None, (3, 4)])
def test_the_first_layer_of_any_depth_is_drawn(image_shape):
    network = Network.initial(features=12, hidden=(5, 4, 3), classes=2, activation="tanh")
    figure = plots.weight_pictures(network, image_shape=image_shape)
    shown = without_legend(figure)
    assert [axes.get_title() for axes in shown] == [f"unit {h}" for h in range(5)]
    assert "hidden unit" in str(figure.get_suptitle())


@pytest.mark.parametrize("image_shape", [None, (3, 4)])
def test_without_a_hidden_layer_the_weights_are_those_of_the_outputs(image_shape):
    network = Network.initial(features=12, hidden=(), classes=2)
    model = Model.of(network, class_names=("$cat$", "dog"), image_shape=image_shape)
    figure = plots.weight_pictures(model)
    shown = without_legend(figure)
    assert [axes.get_title() for axes in shown] == ["$cat$", "dog"]
    assert "each output" in str(figure.get_suptitle())
    single = Network.initial(features=12, hidden=(), classes=1, output="logistic")
    (axes,) = without_legend(plots.weight_pictures(single, image_shape=image_shape))
    assert axes.get_title() == "output"
    assert as_png(figure)
