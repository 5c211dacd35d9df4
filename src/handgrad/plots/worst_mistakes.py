"""The samples that a network gets most wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.engines import get_engine
from handgrad.model import Model
from handgrad.plots.figures import (
    BAD,
    GOOD,
    LINE,
    LITERALLY,
    MUTED,
    as_percent,
    empty_figure,
    quieten,
    shown_name,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.figure import Figure

    from handgrad.network import Network

WORST = 20


class Mistake(NamedTuple):
    """A sample that is predicted wrong."""

    sample: int
    words: str  # its class, and the class that was predicted
    true: float  # the probability of its class
    taken: float  # the probability of the predicted class


def mistakes(
    network: Network,
    X: npt.NDArray[Any],
    y: npt.ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    image_shape: tuple[int, int] | None = None,
    most: int = WORST,
) -> Figure:
    """Show the samples that the network gets most wrong, those of the highest loss first.

    Parameters
    ----------
    network : Network
    X : array of shape (m, D)
        Samples as rows.
    y : array of shape (m,)
        Integer labels.
    class_names : sequence of str, optional
        K names; by default the names that a `Model` stores.
    image_shape : (int, int), optional
        Rows and columns of a sample; by default the shape that a `Model` stores. If there is
        none, bars of probabilities are drawn instead of pictures.
    most : int
        Number of samples, at least 1.

    Examples
    --------
    >>> from handgrad import Network
    >>> network = Network(W1=np.eye(2), b1=np.zeros((2, 1)), W2=np.eye(2), b2=np.zeros((2, 1)))
    >>> X = np.array([[3.0, 1.0], [2.0, 0.0], [0.0, 1.0]])
    >>> figure = mistakes(network, X, [0, 1, 1], class_names=["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['sample 1: dog, taken for cat']
    """
    model = Model.of(network)
    names = [shown_name(name) for name in class_names or model.class_names]
    shape = image_shape or model.image_shape
    labels = network.labels(y, len(X))
    probabilities = get_engine("auto").predict_proba(network, X)
    predicted = probabilities.argmax(axis=1)
    of_the_truth = probabilities[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(predicted != labels)
    if not len(wrong):
        return empty_figure(5, 1.2, f"No sample of {len(labels):,} is predicted wrong")
    worst = wrong[np.argsort(of_the_truth[wrong], kind="stable")][:most]
    title = f"{len(wrong):,} of {len(labels):,} samples are predicted wrong"
    if len(worst) < len(wrong):
        title += f"; the {len(worst)} worst"
    found = [
        Mistake(
            i,
            f"{names[labels[i]]}, taken for {names[predicted[i]]}",
            float(of_the_truth[i]),
            float(probabilities[i, predicted[i]]),
        )
        for i in worst
    ]
    if shape is None:
        return _mistake_bars(title, found)
    return _mistake_pictures(title, found, network.rows(X[worst]).reshape(-1, *shape))


def _mistake_pictures(title: str, found: Sequence[Mistake], pictures: npt.NDArray[Any]) -> Figure:
    columns = min(len(found), 5)
    rows = -(-len(found) // columns)
    figure = empty_figure(max(1.85 * columns, 5.5), 2.35 * rows + 0.6, title)
    for place, (mistake, picture) in enumerate(zip(found, pictures, strict=True), start=1):
        axes = figure.add_subplot(rows, columns, place)
        axes.imshow(picture, cmap="gray_r", vmin=0, vmax=max(1.0, float(picture.max())))
        axes.set_title(mistake.words, fontsize=9, color=BAD, **LITERALLY)
        probabilities = f"true {mistake.true:.1%}, taken {mistake.taken:.1%}"
        axes.set_xlabel(f"{probabilities}\nsample {mistake.sample}", fontsize=7.5)
        axes.xaxis.label.set_color(MUTED)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_color(LINE)
    return figure


def _mistake_bars(title: str, found: Sequence[Mistake]) -> Figure:
    figure = empty_figure(8, 1.4 + 0.36 * len(found), title)
    axes = figure.add_subplot()
    places = np.arange(len(found))
    axes.barh(places - 0.18, [each.taken for each in found], 0.34, color=BAD, label="taken for")
    axes.barh(places + 0.18, [each.true for each in found], 0.34, color=GOOD, label="true class")
    axes.set_yticks(places, [f"sample {each.sample}: {each.words}" for each in found], **LITERALLY)
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(as_percent)
    axes.set_xlabel("probability")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    quieten(axes)
    return figure
