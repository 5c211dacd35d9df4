"""What all figures share: an empty figure, colours, axes, and how names stand in them."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from handgrad.errors import MissingPackageError
from handgrad.quoting import escaped, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

TEXT, MUTED, LINE = "#1c2230", "#565e6e", "#dcd7cd"
COST, ACCURACY, GOOD, BAD = "#5a3fb5", "#17663f", "#17663f", "#a8262b"
NEGATIVE, NEUTRAL, POSITIVE = "#1a4f96", "#f6f4f0", "#b0510c"
LONGEST_NAME = 24  # characters of a class or a feature: a figure has no room for more
LARGEST = 1e300  # that is drawn: the ends of an axis lie beyond it, and have to be finite
LITERALLY: dict[str, Any] = {"parse_math": False}  # in a name, dollar signs enclose no formula
RESOLUTION = 150  # dots an inch


def shown_name(name: str) -> str:
    """Return what a figure calls a class or a feature."""
    return shortened(escaped(name), LONGEST_NAME)


def as_png(figure: Figure) -> bytes:
    """Return a figure as a picture; what its font lacks is drawn as a box, without a word."""
    picture = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure.savefig(picture, format="png", dpi=RESOLUTION)
    return picture.getvalue()


def import_matplotlib() -> Any:
    """Return matplotlib, which is optional.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MissingPackageError(
            "Plots need the package matplotlib; install it with: pip install 'handgrad[plots]'."
        ) from error
    return matplotlib


def empty_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches, which notebooks show without pyplot."""
    matplotlib = import_matplotlib()

    class Picture(matplotlib.figure.Figure):  # type: ignore[misc, name-defined]
        def _repr_png_(self) -> bytes:
            return as_png(self)

    room = matplotlib.layout_engine.ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
    figure: Figure = Picture(figsize=(width, height), layout=room, facecolor="white")
    return figure


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
    """Keep what frames a curve or bars in the background."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(colors=MUTED, labelsize=8)
    axes.xaxis.label.set_color(MUTED)
    axes.yaxis.label.set_color(MUTED)
    axes.title.set_color(TEXT)


def strip(axes: Axes) -> None:
    """Take away what frames a picture."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
