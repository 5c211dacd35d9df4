"""The rows of the first layer's weights, as pictures or as bars."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from handgrad.errors import DataError
from handgrad.model import Model
from handgrad.plots.figures import (
    LARGEST,
    LITERALLY,
    MUTED,
    add_legend,
    diverging_colours,
    empty_figure,
    quieten,
    shown_name,
    strip,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.figure import Figure

    from handgrad.network import Network

MOST_UNITS = 64
MOST_BARS = 60  # that have room for their names


def weight_pictures(
    network: Network,
    *,
    image_shape: tuple[int, int] | None = None,
    feature_names: Sequence[str] | None = None,
) -> Figure:
    """Draw each row of the first layer's weights W1: what its hidden unit looks for.

    All rows share one colour scale: orange weights raise the unit's sum, blue weights lower it.
    If the samples are pictures, each row is drawn as a picture, otherwise as bars. Without a hidden
    layer the rows belong to the outputs.

    Parameters
    ----------
    network : Network
        Only the first 64 rows are drawn.
    image_shape : (int, int), optional
        Rows and columns of a sample; by default the shape that a `Model` stores.
    feature_names : sequence of str, optional
        D names for the bars.

    Raises
    ------
    DataError
        If the shape or the names do not fit the D features.

    Examples
    --------
    >>> from handgrad import Network
    >>> network = Network.initial(features=4, hidden=3, classes=2)
    >>> figure = weight_pictures(network, image_shape=(2, 2))
    >>> len(figure.axes)  # three pictures, and the legend of their colours
    4
    """
    shape = image_shape or getattr(network, "image_shape", None)
    if shape is not None and math.prod(shape) != network.D:
        raise DataError(f"image_shape is {shape}; expected rows x columns = {network.D} features.")
    if feature_names is not None and len(feature_names) != network.D:
        raise DataError(
            f"feature_names holds {len(feature_names)} names; "
            f"expected {network.D}, one per feature."
        )
    W1 = np.asarray(network.layers[0].W[:MOST_UNITS], dtype=np.float64).clip(-LARGEST, LARGEST)
    units = _units_of(network)
    if shape is None:
        return _weight_bars(W1, units, feature_names)
    return _weight_images(W1, units, shape)


class _Units(NamedTuple):
    """Words for the units that the rows of W1 belong to."""

    title: str
    scale: str
    names: list[str]


def _units_of(network: Network) -> _Units:
    if network.hidden:
        kind, unit, names = "hidden unit", "unit", [f"unit {h}" for h in range(network.hidden[0])]
    else:
        kind, unit, names = "output", "output", ["output"]
        if network.columns == network.K:  # not a single logistic output of two classes
            names = [shown_name(name) for name in Model.of(network).class_names]
    return _Units(f"W1: what each {kind} looks for", f"weight: against ← 0 → for the {unit}", names)


def _weight_images(W1: npt.NDArray[np.float64], units: _Units, shape: tuple[int, int]) -> Figure:
    largest = _largest(W1)
    columns = min(len(W1), 5 if len(W1) <= 10 else 8)
    rows = -(-len(W1) // columns)
    figure = empty_figure(1.55 * columns + 1.2, 1.75 * rows + 0.7, units.title)
    pictures = []
    for h, weights in enumerate(W1):
        axes = figure.add_subplot(rows, columns, h + 1)
        image = axes.imshow(
            weights.reshape(shape), cmap=diverging_colours(), vmin=-largest, vmax=largest
        )
        axes.set_title(units.names[h], fontsize=9, **LITERALLY)
        strip(axes)
        pictures.append(axes)
    add_legend(figure, image, pictures, units.scale)
    return figure


def _weight_bars(
    W1: npt.NDArray[np.float64], units: _Units, feature_names: Sequence[str] | None
) -> Figure:
    largest, features = _largest(W1), W1.shape[1]
    columns = min(len(W1), 4)
    rows = -(-len(W1) // columns)
    named = features <= MOST_BARS
    names = feature_names or [f"feature {j}" for j in range(features)]
    height = 0.9 + (0.2 * features if named else 2.2)
    figure = empty_figure(2.3 * columns + 1.4, height * rows + 0.5, units.title)
    colour = diverging_colours()
    for h, weights in enumerate(W1):
        axes = figure.add_subplot(rows, columns, h + 1)
        colours = colour((weights / largest + 1) / 2)
        axes.barh(np.arange(features), weights, color=colours, edgecolor=MUTED, linewidth=0.3)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.set_xlim(-1.05 * largest, 1.05 * largest)
        axes.set_ylim(features - 0.4, -0.6)  # the first feature on top
        axes.set_title(units.names[h], fontsize=9, **LITERALLY)
        axes.set_yticks(np.arange(features) if named and h % columns == 0 else [])
        if named and h % columns == 0:
            axes.set_yticklabels(map(shown_name, names), fontsize=8, **LITERALLY)
        quieten(axes)
    figure.supxlabel(units.scale, fontsize=9, color=MUTED)
    return figure


def _largest(W1: npt.NDArray[np.float64]) -> float:
    """Return the largest magnitude of a weight: the end of the scale on both sides."""
    return float(np.abs(W1).max()) or 1.0
