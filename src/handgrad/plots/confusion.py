"""The confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.plots.figures import (
    LITERALLY,
    TEXT,
    add_legend,
    as_percent,
    empty_figure,
    rising_colours,
    shown_name,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from handgrad.evaluation import ClassEvaluation

MOST_COUNTS = 26  # classes whose matrix has room for numbers
LONGEST_LEVEL_NAME = 3  # characters; if a name is longer, all are turned


def confusion_matrix(evaluation: ClassEvaluation, class_names: Sequence[str]) -> Figure:
    """Draw how often each class was predicted as each: one row per true class.

    Colours show shares of a row, so that rare classes are visible as well; numbers are counts.

    Parameters
    ----------
    evaluation : ClassEvaluation
        From `handgrad.evaluation.evaluate`.
    class_names : sequence of str
        K names.

    Examples
    --------
    >>> from handgrad.evaluation import ClassEvaluation
    >>> figure = confusion_matrix(ClassEvaluation(0.5, np.array([[8, 2], [1, 9]])), ["cat", "dog"])
    >>> figure.axes[0].get_title(loc="left")
    'accuracy 85.00% on 20 samples'
    """
    counts = evaluation.confusion
    side = min(11.0, 2.6 + 0.46 * len(counts))
    figure = empty_figure(side + 0.8, side)
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap=rising_colours(), vmin=0, vmax=1)
    title = f"accuracy {evaluation.accuracy:.2%} on {evaluation.samples:,} samples"
    axes.set_title(title, loc="left")
    _name_classes(axes, [shown_name(name) for name in class_names])
    if len(counts) <= MOST_COUNTS:
        _write_counts(axes, counts, shares)
    legend = add_legend(figure, image, axes, "share of the true class")
    legend.ax.yaxis.set_major_formatter(as_percent)
    return figure


def _name_classes(axes: Axes, names: Sequence[str]) -> None:
    places = np.arange(len(names))
    turned = max(map(len, names)) > LONGEST_LEVEL_NAME
    slant: dict[str, Any] = {"rotation": 45, "horizontalalignment": "right"} if turned else {}
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_xticks(places, names, **slant, **LITERALLY)
    axes.set_yticks(places, names, **LITERALLY)
    edges = np.arange(len(names) + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0, colors=TEXT)
    axes.spines[:].set_visible(False)


def _write_counts(
    axes: Axes, counts: npt.NDArray[np.int64], shares: npt.NDArray[np.float64]
) -> None:
    centred: dict[str, Any] = {"ha": "center", "va": "center"}
    for (k, j), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[k, j] > 0.45 else TEXT
            weight = "bold" if k == j else "normal"
            axes.text(j, k, f"{count}", color=colour, fontsize=8, fontweight=weight, **centred)
