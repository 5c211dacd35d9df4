"""Predicted against true values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.engines import get_engine
from handgrad.evaluation import ValueEvaluation, predicted_outputs
from handgrad.model import Model
from handgrad.plots.figures import (
    COST,
    LARGEST,
    LITERALLY,
    MUTED,
    empty_figure,
    quieten,
    shown_name,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from handgrad.network import Network

MOST_PANELS = 12  # one per value; more are not drawn
MOST_POINTS = 5_000  # samples that are drawn: with more, the points hide each other


def predicted_values(
    network: Network,
    X: npt.NDArray[Any],
    y: npt.ArrayLike,
    *,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draw the predicted against the true value of each sample; each value has its own panel.

    A sample on the diagonal is predicted exactly. The title of a panel gives R² on all samples.

    Parameters
    ----------
    network : Network
        One that predicts values. The first 12 of them are drawn.
    X : array of shape (m, D)
        Samples as rows. If there are more than 5,000, an evenly spread part of them is drawn.
    y : array of shape (m,) or (m, K)
        The true values.
    names : sequence of str, optional
        K names; by default the names that a `Model` stores.

    Examples
    --------
    >>> from handgrad import Network
    >>> network = Network([[1.0]], [[0.0]], [[2.0]], [[1.0]], output="identity")
    >>> figure = predicted_values(network, np.array([[1.0], [2.0]]), [3.0, 6.0], names=["price"])
    >>> figure.axes[0].get_title(loc="left")
    'price: R² 0.7778'
    """
    names = names or Model.of(network).class_names
    predicted = predicted_outputs(network, X, engine=get_engine("auto"))
    true = np.asarray(y, dtype=np.float64).reshape(predicted.shape)
    evaluation = ValueEvaluation.of(0.0, [ValueEvaluation.tally(predicted, true)])
    panels = min(len(names), MOST_PANELS)
    columns = min(panels, 3 if panels != 4 else 2)
    rows = -(-panels // columns)
    title = f"Predicted and true values of {len(true):,} samples"
    if panels < len(names):
        title += f"; the first {panels} of {len(names)} values"
    figure = empty_figure(3.6 * columns + 0.6, 3.7 * rows + 0.5, title)
    shown = np.unique(np.linspace(0, len(true) - 1, MOST_POINTS).astype(int))
    for k in range(panels):
        axes = figure.add_subplot(rows, columns, k + 1)
        points = np.column_stack([true[shown, k], predicted[shown, k]]).astype(np.float64)
        _draw(axes, points.clip(-LARGEST, LARGEST))
        score = f"{shown_name(names[k])}: R² {evaluation.r2_scores[k]:.4g}"
        axes.set_title(score, loc="left", fontsize=10, **LITERALLY)
    return figure


def _draw(axes: Axes, points: npt.NDArray[np.float64]) -> None:
    low, high = _ends(points)
    axes.plot([low, high], [low, high], color=MUTED, linewidth=0.9, zorder=1)
    axes.scatter(points[:, 0], points[:, 1], s=12, color=COST, alpha=0.45, linewidths=0, zorder=2)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    axes.set_xlabel("true value")
    axes.set_ylabel("predicted value")
    quieten(axes)


def _ends(points: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of both axes: all points lie between them, with some room."""
    low, high = float(points.min()), float(points.max())
    room = 0.05 * (high - low) or 0.5 * abs(high) or 0.5
    return low - room, high + room
