"""What a training job finds, and the files that it writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handgrad.errors import WriteError
from handgrad.files.atomic import check_writable, write_atomically
from handgrad.files.overlaps import check_distinct
from handgrad.files.storage import save
from handgrad.plots import save_plots
from handgrad.plots.folder import picture_files, prepare_folder

if TYPE_CHECKING:
    from pathlib import Path

    from handgrad.data import BlockDataset, Dataset, Predicts
    from handgrad.evaluation import Evaluation
    from handgrad.model import Model
    from handgrad.solvers import History, Result, Training


@dataclass(frozen=True)
class TrainingFiles:
    """The files that a training job writes."""

    model: Path
    history: Path | None = None
    """Cost and accuracy of each iteration, as CSV; for values, the cost alone."""
    plots: Path | None = None
    """A folder of pictures."""
    checkpoint: Path | None = None
    """The state of the run, written again and again."""

    def check(
        self, *sources: str | None, resume: Path | None = None, predicts: Predicts = "classes"
    ) -> None:
        """Raise a WriteError if a file cannot be written, or would overwrite one of the sources.

        The checkpoint may replace ``resume``, the one that the run continues. What is predicted
        decides which plots there are.
        """
        pictures = [] if self.plots is None else picture_files(self.plots, predicts)
        others = (self.model, self.history, *pictures)
        check_distinct(sources, (*others, self.checkpoint))
        check_distinct([resume], others)
        for file in filter(None, (self.model, self.history, self.checkpoint)):
            check_writable(file)
        if self.plots is not None:
            prepare_folder(self.plots, predicts)

    def as_texts(self) -> dict[str, str | None]:
        """Return the paths by what they hold."""
        return {name: path and str(path) for name, path in vars(self).items()}


@dataclass(frozen=True, eq=False)
class TrainingReport:
    """The results of a training job."""

    model: Model
    """With its settings and figures in ``training``."""
    run: Result
    on_train: Evaluation
    on_test: Evaluation | None
    """None if there are no test samples."""
    figures: dict[str, Any]
    """The headlines of both evaluations, iterations, seconds, the network's layers and loss, and
    the engine's name, ready for JSON."""
    dataset: Dataset | BlockDataset
    training: Training
    """The solver and its settings, with the number of iterations that was planned."""

    @property
    def history(self) -> History:
        """Cost, accuracy and seconds of each iteration."""
        return self.run.history

    def save(self, files: TrainingFiles) -> None:
        """Write the model and the other files, or raise a WriteError."""
        try:
            save(self.model, files.model)
        except WriteError as error:
            raise WriteError(f"{error} The trained network is lost: train it again.") from error
        if files.history is not None:
            write_atomically(files.history, self.history.to_csv().encode())
        if files.plots is not None:
            X, y = self.dataset.to_show
            save_plots(
                files.plots,
                history=self.history,
                model=self.model,
                X=X,
                y=y,
                unit=self.training.steps_or_epochs,
                first=self.training.first,
            )
