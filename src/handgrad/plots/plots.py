"""Figures for reports and notebooks: learning curves, weights, confusion, what goes wrong.

Each function returns a figure of matplotlib (extra ``plots``) that a notebook shows and that
``savefig`` writes. No state of pyplot is read or changed.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.engines import get_engine
from handgrad.errors import DataError, WriteError
from handgrad.files.atomic import cause, check_writable, write_atomically
from handgrad.jobs.evaluation import evaluate
from handgrad.model import Model
from handgrad.plots.figures import (
    ACCURACY,
    BAD,
    COST,
    GOOD,
    LARGEST,
    LINE,
    LITERALLY,
    MUTED,
    TEXT,
    as_png,
    diverging_colours,
    empty_figure,
    import_matplotlib,
    quieten,
    rising_colours,
    shown_name,
    strip,
)
from handgrad.quoting import named

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.figure import Figure

    from handgrad.jobs.evaluation import Evaluation
    from handgrad.network import Network
    from handgrad.solvers import History

MOST_POINTS = 2000  # of a curve: more than a figure has dots
MOST_UNITS = 64
MOST_BARS = 60
MOST_COUNTS = 26  # classes, in whose matrix there is room for numbers
WORST = 20
FILES = ("learning-curves.png", "weights.png", "confusion.png", "mistakes.png")


def learning_curves(history: History) -> Figure:
    """Draw cost and accuracy on the training samples against the steps of a run.

    Parameters
    ----------
    history : History
        Of `handgrad.solvers.train`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from handgrad.solvers import History
    >>> history = History(np.array([2.3, 1.1]), np.array([0.1, 0.7]), np.array([0.01, 0.02]))
    >>> [axes.get_ylabel() for axes in learning_curves(history).axes]
    ['cost', 'accuracy']
    """
    figure = empty_figure(9, 3.6)
    shown = np.unique(np.linspace(0, len(history.costs) - 1, MOST_POINTS).astype(int))
    panels = (
        ("cost", history.costs, COST, "{:.4g}"),
        ("accuracy", history.accuracies, ACCURACY, "{:.1%}"),
    )
    for place, (name, values, colour, style) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, 2, place)
        axes.plot(shown, values[shown], color=colour, linewidth=1.8)
        axes.plot(shown[-1], values[shown[-1]], "o", color=colour, markersize=4)
        axes.set_title(f"{name} {style.format(values[-1])} after {shown[-1]:,} steps", loc="left")
        axes.set_xlabel("step")
        axes.set_ylabel(name)
        axes.grid(color=LINE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.margins(x=0.02)
        if name == "accuracy":
            axes.set_ylim(0, 1.02)
            axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        elif values[shown].max() > 0:
            axes.set_ylim(0, min(1.05 * values[shown].max(), LARGEST))
        quieten(axes)
    return figure


def weight_pictures(
    network: Network,
    *,
    image_shape: tuple[int, int] | None = None,
    feature_names: Sequence[str] | None = None,
) -> Figure:
    """Draw each row of W1: what its hidden unit looks for.

    All rows share one scale: orange speaks for the unit, blue against it. Rows of a network on
    pictures are pictures, those of any other network bars.

    Parameters
    ----------
    network : Network
        Of more than 64 hidden units the first 64 are drawn.
    image_shape : (int, int), optional
        Rows and columns of a sample; by default what a `Model` knows.
    feature_names : sequence of str, optional
        D names for the bars.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from handgrad import Network
    >>> network = Network.initial(features=4, hidden=3, classes=2)
    >>> figure = weight_pictures(network, image_shape=(2, 2))
    >>> len(figure.axes)  # three pictures, and the legend of their colours
    4
    """
    shape = image_shape or getattr(network, "image_shape", None)
    W1 = np.asarray(network.W1[:MOST_UNITS], dtype=np.float64).clip(-LARGEST, LARGEST)
    if shape is not None and math.prod(shape) != network.D:
        raise DataError(f"image_shape is {shape}; expected rows x columns = {network.D} features.")
    if feature_names is not None and len(feature_names) != network.D:
        raise DataError(
            f"feature_names holds {len(feature_names)} names; "
            f"expected {network.D}, one per feature."
        )
    largest = float(np.abs(W1).max()) or 1.0
    if shape is None:
        return _weight_bars(W1, largest, feature_names)
    columns = min(len(W1), 5 if len(W1) <= 10 else 8)
    rows = -(-len(W1) // columns)
    figure = empty_figure(1.55 * columns + 1.2, 1.75 * rows + 0.7)
    figure.suptitle("W1: what each hidden unit looks for", x=0.01, ha="left")
    pictures = []
    for h, weights in enumerate(W1):
        axes = figure.add_subplot(rows, columns, h + 1)
        image = axes.imshow(
            weights.reshape(shape), cmap=diverging_colours(), vmin=-largest, vmax=largest
        )
        axes.set_title(f"unit {h}", fontsize=9)
        strip(axes)
        pictures.append(axes)
    legend = figure.colorbar(image, ax=pictures, shrink=0.9, aspect=30, pad=0.02)
    legend.set_label("weight: against ← 0 → for the unit")
    legend.outline.set_visible(False)
    return figure


def _weight_bars(
    W1: npt.NDArray[np.float64], largest: float, feature_names: Sequence[str] | None
) -> Figure:
    features = W1.shape[1]
    columns = min(len(W1), 4)
    rows = -(-len(W1) // columns)
    named = features <= MOST_BARS
    names = feature_names or [f"feature {j}" for j in range(features)]
    height = 0.9 + (0.2 * features if named else 2.2)
    figure = empty_figure(2.3 * columns + 1.4, height * rows + 0.5)
    figure.suptitle("W1: what each hidden unit looks for", x=0.01, ha="left")
    colour = diverging_colours()
    for h, weights in enumerate(W1):
        axes = figure.add_subplot(rows, columns, h + 1)
        colours = colour((weights / largest + 1) / 2)
        axes.barh(np.arange(features), weights, color=colours, edgecolor=MUTED, linewidth=0.3)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.set_xlim(-1.05 * largest, 1.05 * largest)
        axes.set_ylim(features - 0.4, -0.6)  # the first feature on top
        axes.set_title(f"unit {h}", fontsize=9)
        axes.set_yticks(np.arange(features) if named and h % columns == 0 else [])
        if named and h % columns == 0:
            axes.set_yticklabels(map(shown_name, names), fontsize=8, **LITERALLY)
        quieten(axes)
    figure.supxlabel("weight: against ← 0 → for the unit", fontsize=9, color=MUTED)
    return figure


def confusion_matrix(evaluation: Evaluation, class_names: Sequence[str]) -> Figure:
    """Draw how often each class was predicted as each: a row a true class.

    Colours show shares of a row, so that rare classes are seen, too; numbers are counts.

    Parameters
    ----------
    evaluation : Evaluation
        Of `handgrad.jobs.evaluation.evaluate`.
    class_names : sequence of str
        K names.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from handgrad.jobs.evaluation import Evaluation
    >>> figure = confusion_matrix(Evaluation(0.5, np.array([[8, 2], [1, 9]])), ["cat", "dog"])
    >>> figure.axes[0].get_title(loc="left")
    'accuracy 85.00% on 20 samples'
    """
    counts = evaluation.confusion
    classes = len(counts)
    side = min(11.0, 2.6 + 0.46 * classes)
    figure = empty_figure(side + 0.8, side)
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap=rising_colours(), vmin=0, vmax=1)
    title = f"accuracy {evaluation.accuracy:.2%} on {evaluation.samples:,} samples"
    axes.set_title(title, loc="left")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    names = [shown_name(name) for name in class_names]
    long = max(map(len, names)) > 3
    axes.set_xticks(np.arange(classes), names, rotation=45 if long else 0, **LITERALLY)
    if long:
        for tick in axes.get_xticklabels():
            tick.set_horizontalalignment("right")
    axes.set_yticks(np.arange(classes), names, **LITERALLY)
    if classes <= MOST_COUNTS:
        for (k, j), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[k, j] > 0.45 else TEXT
                weight = "bold" if k == j else "normal"
                axes.text(
                    j,
                    k,
                    f"{count}",
                    ha="center",
                    va="center",
                    color=colour,
                    fontsize=8,
                    fontweight=weight,
                )
    axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0, colors=TEXT)
    axes.spines[:].set_visible(False)
    legend = figure.colorbar(image, ax=axes, shrink=0.8, aspect=30, pad=0.03)
    legend.ax.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    legend.set_label("share of the true class")
    legend.outline.set_visible(False)
    return figure


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
        K names; by default what a `Model` knows.
    image_shape : (int, int), optional
        Likewise. Without it, samples are called by their numbers.
    most : int
        Number of samples, at least 1.

    Returns
    -------
    matplotlib.figure.Figure

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
    names = class_names or model.class_names
    shape = image_shape or model.image_shape
    labels = network.labels(y, len(X))
    probabilities = get_engine("auto").predict_proba(network, X)
    predicted = probabilities.argmax(axis=1)
    of_the_truth = probabilities[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(of_the_truth[wrong], kind="stable")][:most]
    title = f"{len(wrong):,} of {len(labels):,} samples are predicted wrong"
    if len(worst) < len(wrong):
        title += f"; the {len(worst)} worst"
    if not len(worst):
        figure = empty_figure(5, 1.2)
        figure.suptitle(f"No sample of {len(labels):,} is predicted wrong", x=0.01, ha="left")
        return figure
    says = [
        (
            i,
            f"{shown_name(names[labels[i]])}, taken for {shown_name(names[predicted[i]])}",
            float(of_the_truth[i]),
            float(probabilities[i, predicted[i]]),
        )
        for i in worst
    ]
    if shape is None:
        return _mistake_bars(title, says)
    return _mistake_pictures(title, says, network.rows(X[worst]).reshape(-1, *shape))


def _mistake_pictures(
    title: str, says: Sequence[tuple[int, str, float, float]], pictures: npt.NDArray[Any]
) -> Figure:
    columns = min(len(says), 5)
    rows = -(-len(says) // columns)
    figure = empty_figure(max(1.85 * columns, 5.5), 2.35 * rows + 0.6)
    figure.suptitle(title, x=0.01, ha="left")
    for place, ((number, words, true, taken), picture) in enumerate(
        zip(says, pictures, strict=True), start=1
    ):
        axes = figure.add_subplot(rows, columns, place)
        axes.imshow(picture, cmap="gray_r", vmin=0, vmax=max(1.0, float(picture.max())))
        axes.set_title(words, fontsize=9, color=BAD, **LITERALLY)
        axes.set_xlabel(f"true {true:.1%}, taken {taken:.1%}\nsample {number}", fontsize=7.5)
        axes.xaxis.label.set_color(MUTED)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_color(LINE)
    return figure


def _mistake_bars(title: str, says: Sequence[tuple[int, str, float, float]]) -> Figure:
    figure = empty_figure(8, 1.4 + 0.36 * len(says))
    axes = figure.add_subplot()
    places = np.arange(len(says))
    axes.barh(places - 0.18, [taken for *_, taken in says], 0.34, color=BAD, label="taken for")
    axes.barh(places + 0.18, [true for *_, true, _ in says], 0.34, color=GOOD, label="true class")
    says_which = [f"sample {number}: {words}" for number, words, *_ in says]
    axes.set_yticks(places, says_which, **LITERALLY)
    axes.set_ylim(len(says) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_xlabel("probability")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    figure.suptitle(title, x=0.01, ha="left")
    quieten(axes)
    return figure


def picture_files(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the files that `save_plots` writes.

    Examples
    --------
    >>> [path.name for path in picture_files("plots")]
    ['learning-curves.png', 'weights.png', 'confusion.png', 'mistakes.png']
    """
    return [Path(folder, name) for name in FILES]


def prepare_folder(folder: str | os.PathLike[str]) -> Path:
    """Make the folder for `save_plots`, before the work is done whose results go there.

    Raises
    ------
    WriteError
        If the folder cannot be made, or takes no files.
    MissingPackageError
        If matplotlib is not installed.
    """
    import_matplotlib()
    path = Path(folder)
    try:
        path.mkdir(exist_ok=True)
    except FileNotFoundError as error:
        there = f"the folder {named(path.parent)} is not there"
        raise WriteError(f"{named(folder)} cannot be made: {there}.") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = "it is a file" if isinstance(error, FileExistsError) else cause(error)
        raise WriteError(f"{named(folder)} cannot be made a folder of plots: {reason}.") from error
    for file in picture_files(path):
        check_writable(file)
    return path


def save_plots(
    folder: str | os.PathLike[str],
    *,
    history: History,
    model: Model,
    X: npt.NDArray[Any],
    y: npt.ArrayLike,
) -> list[Path]:
    """Write all figures of a run as PNG files.

    Parameters
    ----------
    folder : path
        Made where it is not there.
    history : History
    model : Model
    X : array of shape (m, D)
        Samples for the confusion matrix and the mistakes, as rows; best test samples.
    y : array of shape (m,)
        Integer labels.

    Returns
    -------
    list of Path
        The files, each written whole or not at all.

    Raises
    ------
    WriteError
        If the folder cannot be made, or takes no files.
    MissingPackageError
        If matplotlib is not installed.
    """
    path = prepare_folder(folder)
    evaluation = evaluate(model, X, y, engine=get_engine("auto"))
    figures = (
        learning_curves(history),
        weight_pictures(model),
        confusion_matrix(evaluation, model.class_names),
        mistakes(model, X, y),
    )
    files = picture_files(path)
    for file, figure in zip(files, figures, strict=True):
        write_atomically(file, as_png(figure))
    return files
