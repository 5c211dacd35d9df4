"""The confusion matrix shows shares as colours and counts as numbers."""

from __future__ import annotations

import numpy as np

from handgrad import plots
from handgrad.evaluation import ClassEvaluation


def shown_text(figure):
    figure.draw_without_rendering()
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_confusion_matrix_shows_shares_and_writes_counts():
    counts = np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]])
    figure = plots.confusion_matrix(ClassEvaluation(0.4, counts), ["ant", "bee", "cow"])
    (image,) = figure.axes[0].images
    shares = np.array([[0.8, 0.2, 0], [0.1, 0.9, 0], [0, 0, 0]])
    np.testing.assert_allclose(np.asarray(image.get_array()), shares)
    assert shown_text(figure) == ["8", "2", "1", "9"]
    assert {text.get_position() for text in figure.axes[0].texts} == {
        (0, 0), (1, 0), (0, 1), (1, 1)
    }  # fmt: skip
    assert figure.axes[0].get_ylabel() == "true class"
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["ant", "bee", "cow"]


def test_a_confusion_matrix_of_many_classes_is_drawn_without_numbers():
    counts = np.eye(60, dtype=np.int64)
    figure = plots.confusion_matrix(ClassEvaluation(0.4, counts), [f"class {k}" for k in range(60)])
    assert shown_text(figure) == []
