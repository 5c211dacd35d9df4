"""Shared by all figures: an empty figure, colours, axes, and how names are shown."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from handgrad.errors import MissingPackageError
from handgrad.quoting import escaped, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

TEXT, MUTED, LINE = "#1c2230", "#565e6e", "#dcd7cd"
COST, ACCURACY, GOOD, BAD = "#5a3fb5", "#17663f", "#17663f", "#a8262b"
NEGATIVE, NEUTRAL, POSITIVE = "#1a4f96", "#f6f4f0", "#b0510c"
LONGEST_NAME = 24  # characters in the name of a class or a feature: there is no room for more
LARGEST = 1e300  # value that is drawn: the ends of an axis lie beyond it and must be finite
LITERALLY: dict[str, Any] = {"parse_math": False}  # dollar signs in a name are only characters
RESOLUTION = 150  # dots per inch


def shown_name(name: str) -> str:
    """Return a name of a class or a feature as figures show it: short, nothing unprintable."""
    return shortened(escaped(name), LONGEST_NAME)


def as_png(figure: Figure) -> bytes:
    """Return a figure as PNG; characters that its font lacks become boxes, without a warning."""
    picture = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure.savefig(picture, format="png", dpi=RESOLUTION)
    return picture.getvalue()


def import_matplotlib() -> Any:
    """Return matplotlib, which is optional."""
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MissingPackageError(
            "Plots need the package matplotlib; install it with: pip install 'handgrad[plots]'."
        ) from error
    return matplotlib


def as_percent(share: float, _place: float) -> str:
    """Write a tick of an axis of shares."""
    return f"{share:.0%}"


def empty_figure(width: float, height: float, title: str = "") -> Figure:
    """Return an empty figure, sized in inches, which notebooks show without pyplot."""
    matplotlib = import_matplotlib()

    class Picture(matplotlib.figure.Figure):  # type: ignore[misc, name-defined]
        def _repr_png_(self) -> bytes:
            return as_png(self)

    room = matplotlib.layout_engine.ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
    figure: Figure = Picture(figsize=(width, height), layout=room, facecolor="white")
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return figure


def add_legend(
    figure: Figure, image: AxesImage, axes: Axes | Sequence[Axes], label: str
) -> Colorbar:
    """Add the legend that says what the colours of an image mean."""
    legend = figure.colorbar(image, ax=axes, shrink=0.85, aspect=30, pad=0.025)
    legend.set_label(label)
    legend.outline.set_visible(False)
    return legend


def diverging_colours() -> Colormap:
    """Return colours for weights: blue below 0, orange above."""
    colours = import_matplotlib().colors
    return colours.LinearSegmentedColormap.from_list(  # type: ignore[no-any-return]
        "weights", [NEGATIVE, "#7fa8d8", NEUTRAL, "#eba566", POSITIVE]
    )


def rising_colours() -> Colormap:
    """Return colours for shares from 0 to 1."""
    colours = import_matplotlib().colors
    return colours.LinearSegmentedColormap.from_list(  # type: ignore[no-any-return]
        "shares", ["#f6f4f0", "#cfc4f0", "#8f7bd6", COST, "#2f1d70"]
    )


def quieten(axes: Axes) -> None:
    """Draw the frame and the ticks of a curve or of bars in pale colours."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(colors=MUTED, labelsize=8)
    axes.xaxis.label.set_color(MUTED)
    axes.yaxis.label.set_color(MUTED)
    axes.title.set_color(TEXT)


def strip(axes: Axes) -> None:
    """Remove the frame and the ticks of a picture."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
