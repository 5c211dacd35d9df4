"""All figures of a run, as files in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from handgrad.engines import get_engine
from handgrad.errors import WriteError
from handgrad.evaluation import evaluate
from handgrad.files.atomic import cause, check_writable, write_atomically
from handgrad.plots.confusion import confusion_matrix
from handgrad.plots.curves import learning_curves
from handgrad.plots.figures import as_png, import_matplotlib
from handgrad.plots.labels import label_bars
from handgrad.plots.predicted import predicted_values
from handgrad.plots.weights import weight_pictures
from handgrad.plots.worst_mistakes import mistakes
from handgrad.quoting import named

if TYPE_CHECKING:
    import os

    import numpy.typing as npt

    from handgrad.data import Predicts
    from handgrad.model import Model
    from handgrad.solvers import History

OF_ANY_RUN = ("learning-curves.png", "weights.png")
FILES: dict[Predicts, tuple[str, ...]] = {
    "classes": (*OF_ANY_RUN, "confusion.png", "mistakes.png"),
    "labels": (*OF_ANY_RUN, "labels.png"),
    "values": (*OF_ANY_RUN, "predicted.png"),
}


def picture_files(folder: str | os.PathLike[str], predicts: Predicts = "classes") -> list[Path]:
    """Return the files that `save_plots` writes for a network that predicts these."""
    return [Path(folder, name) for name in FILES[predicts]]


def prepare_folder(folder: str | os.PathLike[str], predicts: Predicts = "classes") -> Path:
    """Make the folder for `save_plots`; call it before a run, so that errors show early."""
    import_matplotlib()
    path = Path(folder)
    try:
        path.mkdir(exist_ok=True)
    except FileNotFoundError as error:
        raise WriteError(
            f"{named(folder)} cannot be made: the folder {named(path.parent)} does not exist; "
            "make it first."
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = "it is a file" if isinstance(error, FileExistsError) else cause(error)
        raise WriteError(f"{named(folder)} cannot be made a folder of plots: {reason}.") from error
    for file in picture_files(path, predicts):
        check_writable(file)
    return path


def save_plots(
    folder: str | os.PathLike[str],
    *,
    history: History,
    model: Model,
    X: npt.NDArray[Any],
    y: npt.ArrayLike,
    unit: str = "steps",
    first: int = 0,
) -> list[Path]:
    """Write all figures of a run as PNG files.

    Learning curves and weights; for classes also the confusion matrix and the worst mistakes, for
    labels their precision and recall, and for values the predicted against the true ones.

    Parameters
    ----------
    folder : path
        It is made if it does not exist.
    history : History
    model : Model
    X : array of shape (m, D)
        Samples as rows to predict, preferably test samples.
    y : array of shape (m,) or (m, K)
        As `handgrad.Network.targets` takes them.
    unit, first
        As in `learning_curves`.

    Returns
    -------
    list of Path
        The files, each written whole or not at all.

    Raises
    ------
    WriteError
        If the folder cannot be made, or no file can be written there.
    MissingPackageError
        If matplotlib is not installed.
    """
    files = picture_files(prepare_folder(folder, model.predicts), model.predicts)
    figures = [learning_curves(history, unit=unit, first=first), weight_pictures(model)]
    if model.predicts == "values":
        figures.append(predicted_values(model, X, y))
    else:
        evaluation = evaluate(model, X, y, engine=get_engine("auto"))
        if model.predicts == "labels":
            figures.append(label_bars(evaluation, model.class_names))
        else:
            figures += [confusion_matrix(evaluation, model.class_names), mistakes(model, X, y)]
    for file, figure in zip(files, figures, strict=True):
        write_atomically(file, as_png(figure))
    return files
