"""Mistakes are those of the notes, in the order of their losses."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from handgrad import Network, notes, plots
from handgrad.plots.figures import BAD


def test_mistakes_are_those_of_the_highest_loss_first(pictures):
    model, X, y = pictures
    losses = notes.losses(notes.forward(model, X).Z2, y)
    predicted = notes.predict(model, X)
    wrong = [i for i in np.argsort(-losses) if predicted[i] != y[i]]
    assert len(wrong) > 8
    figure = plots.mistakes(model, X, y, most=8)
    assert len(figure.axes) == 8
    for axes, i in zip(figure.axes, wrong[:8], strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), X[i].reshape(3, 4))
        true, taken = model.class_names[y[i]], model.class_names[predicted[i]]
        assert axes.get_title() == f"{true}, taken for {taken}"
        probabilities = notes.forward(model, X[i : i + 1]).A2[:, 0]
        share_true, share_taken = probabilities[y[i]], probabilities[predicted[i]]
        expected = f"true {share_true:.1%}, taken {share_taken:.1%}\nsample {i}"
        assert axes.get_xlabel() == expected
    assert f"{len(wrong)} of 40 samples" in figure.get_suptitle()


def test_mistakes_without_an_image_shape_are_bars_of_probabilities(pictures):
    model, X, y = pictures
    plain = Network(*model.parameters)
    figure = plots.mistakes(plain, X, y, most=5)
    taken, true = figure.axes[0].containers
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    for name, taken_bar, true_bar in zip(names, taken, true, strict=True):
        i = int(name.split()[1].rstrip(":"))
        probabilities = notes.forward(plain, X[i : i + 1]).A2[:, 0]
        assert taken_bar.get_width() == pytest.approx(probabilities.max())
        assert true_bar.get_width() == pytest.approx(probabilities[y[i]])
    assert taken[0].get_facecolor() == to_rgba(BAD)


def test_a_network_without_mistakes_gets_a_figure_that_says_so(pictures):
    model, X, _ = pictures
    figure = plots.mistakes(model, X, notes.predict(model, X))
    assert "No sample of 40 is predicted wrong" in figure.get_suptitle()
