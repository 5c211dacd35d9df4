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
from handgrad.plots.weights import weight_pictures
from handgrad.plots.worst_mistakes import mistakes
from handgrad.quoting import named

if TYPE_CHECKING:
    import os

    import numpy.typing as npt

    from handgrad.model import Model
    from handgrad.solvers import History

FILES = ("learning-curves.png", "weights.png", "confusion.png", "mistakes.png")


def picture_files(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the files that `save_plots` writes."""
    return [Path(folder, name) for name in FILES]


def prepare_folder(folder: str | os.PathLike[str]) -> Path:
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
    unit: str = "steps",
    first: int = 0,
) -> list[Path]:
    """Write all figures of a run as PNG files.

    Parameters
    ----------
    folder : path
        It is made if it does not exist.
    history : History
    model : Model
    X : array of shape (m, D)
        Samples as rows for the confusion matrix and the mistakes, preferably test samples.
    y : array of shape (m,)
        Integer labels.
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
    files = picture_files(prepare_folder(folder))
    evaluation = evaluate(model, X, y, engine=get_engine("auto"))
    figures = (
        learning_curves(history, unit=unit, first=first),
        weight_pictures(model),
        confusion_matrix(evaluation, model.class_names),
        mistakes(model, X, y),
    )
    for file, figure in zip(files, figures, strict=True):
        write_atomically(file, as_png(figure))
    return files
