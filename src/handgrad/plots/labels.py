"""Precision and recall of each of several labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from handgrad.plots.figures import (
    COST,
    GOOD,
    LITERALLY,
    as_percent,
    empty_figure,
    quieten,
    shown_name,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from handgrad.evaluation import LabelEvaluation

MOST_LABELS = 40  # more are not drawn


def label_bars(evaluation: LabelEvaluation, names: Sequence[str]) -> Figure:
    """Draw precision and recall of each label as bars.

    Parameters
    ----------
    evaluation : LabelEvaluation
        From `handgrad.evaluation.evaluate`. The first 40 labels are drawn.
    names : sequence of str
        K names.

    Examples
    --------
    >>> from handgrad.evaluation import LabelEvaluation
    >>> counts = np.array([[[6, 1], [0, 3]], [[5, 0], [1, 4]]])
    >>> figure = label_bars(LabelEvaluation(0.5, 8, counts), ["spam", "urgent"])
    >>> figure.axes[0].get_title(loc="left")
    'all labels right on 80.00% of 10 samples'
    """
    shown = min(len(names), MOST_LABELS)
    figure = empty_figure(7, 1.4 + 0.42 * shown)
    axes = figure.add_subplot()
    places = np.arange(shown)
    axes.barh(places - 0.18, evaluation.precision[:shown], 0.34, color=COST, label="precision")
    axes.barh(places + 0.18, evaluation.recall[:shown], 0.34, color=GOOD, label="recall")
    axes.set_yticks(places, [shown_name(name) for name in names[:shown]], **LITERALLY)
    axes.set_ylim(shown - 0.4, -0.6)  # the first label on top
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(as_percent)
    title = f"all labels right on {evaluation.accuracy:.2%} of {evaluation.samples:,} samples"
    if shown < len(names):
        title += f"; the first {shown} of {len(names)} labels"
    axes.set_title(title, loc="left", fontsize=10)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    quieten(axes)
    return figure
