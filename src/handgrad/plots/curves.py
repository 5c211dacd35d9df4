"""Cost and accuracy against the iterations of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from handgrad.plots.figures import ACCURACY, COST, LARGEST, LINE, as_percent, empty_figure, quieten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from handgrad.solvers import History

MOST_POINTS = 2000  # of a curve: more than a figure has dots


def learning_curves(history: History, *, unit: str = "steps", first: int = 0) -> Figure:
    """Draw cost and accuracy on the training samples against the steps or epochs of a run.

    A run that predicts values has no accuracy, and only its cost is drawn.

    Parameters
    ----------
    history : History
        From `handgrad.solvers.train`.
    unit : str
        What the iterations are: "steps" or "epochs".
    first : int
        How many of them the first figures come after: 0 for gd, and 1 for the other solvers.

    Examples
    --------
    >>> from handgrad.solvers import History
    >>> history = History(np.array([2.3, 1.1]), np.array([0.1, 0.7]), np.array([0.01, 0.02]))
    >>> [axes.get_ylabel() for axes in learning_curves(history).axes]
    ['cost', 'accuracy']
    """
    shown = np.unique(np.linspace(0, len(history.costs) - 1, MOST_POINTS).astype(int))
    numbers = shown + first
    panels = [("cost", history.costs, COST, "{:.4g}")]
    if history.has_accuracies:
        panels.append(("accuracy", history.accuracies, ACCURACY, "{:.1%}"))
    figure = empty_figure(0.6 + 4.2 * len(panels), 3.6)
    for place, (name, values, colour, style) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), place)
        axes.plot(numbers, values[shown], color=colour, linewidth=1.8)
        axes.plot(numbers[-1], values[shown[-1]], "o", color=colour, markersize=4)
        axes.set_title(
            f"{name} {style.format(values[-1])} after {numbers[-1]:,} {unit}", loc="left"
        )
        axes.set_xlabel(unit.removesuffix("s"))
        axes.set_ylabel(name)
        axes.grid(color=LINE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.margins(x=0.02)
        if name == "accuracy":
            axes.set_ylim(0, 1.02)
            axes.yaxis.set_major_formatter(as_percent)
        elif values[shown].max() > 0:
            axes.set_ylim(0, min(1.05 * values[shown].max(), LARGEST))
        quieten(axes)
    return figure
