"""The bars of labels are the figures of their evaluation."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from handgrad import plots
from handgrad.evaluation import LabelEvaluation
from handgrad.plots.figures import as_png
from handgrad.plots.labels import MOST_LABELS


def evaluation_of(labels):
    random = np.random.default_rng(0)
    probabilities, y = random.random((50, labels)), random.integers(2, size=(50, labels))
    return LabelEvaluation.of(0.5, [LabelEvaluation.tally(probabilities, y)])


@pytest.mark.parametrize("labels", [2, 5, MOST_LABELS + 3])
def test_each_label_has_a_bar_of_precision_and_one_of_recall(labels):
    evaluation = evaluation_of(labels)
    figure = plots.label_bars(evaluation, [f"l{k}" for k in range(labels)])
    (axes,) = figure.axes
    bars = [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]
    shown = min(labels, MOST_LABELS)
    drawn = [evaluation.precision[:shown], evaluation.recall[:shown]]
    np.testing.assert_allclose(bars, np.concatenate(drawn))
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [f"l{k}" for k in range(shown)]
    assert ("the first" in axes.get_title(loc="left")) == (labels > shown)
    assert as_png(figure)


def test_names_are_only_names():
    assert as_png(plots.label_bars(evaluation_of(3), ["$x^2$", "\x1b[31mred", "x" * 3000]))
