"""Whole jobs: a source in, a report out. The commands are calls of these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import data
from handgrad.engines import get_engine
from handgrad.errors import DataError, WriteError
from handgrad.files.atomic import check_writable, write_atomically
from handgrad.files.overlaps import check_distinct
from handgrad.files.storage import load, save
from handgrad.jobs.evaluation import Evaluation, evaluate
from handgrad.model import Model
from handgrad.plots import save_plots
from handgrad.plots.plots import picture_files, prepare_folder
from handgrad.quoting import named
from handgrad.rows import PIXEL_SCALE
from handgrad.training import History, TrainingRun, initial_network, train

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from handgrad.data import Dataset, Samples
    from handgrad.engines import Engine, Progress
    from handgrad.initial import Scheme
    from handgrad.network import Network

USUAL_SOURCE = "mnist-5k"
USUAL_LABEL = "label"


@dataclass(frozen=True)
class TrainingFiles:
    """Where a training job writes.

    Parameters
    ----------
    model : path
    history : path, optional
        Cost and accuracy of each step, as CSV.
    plots : path, optional
        A folder of pictures.

    Raises
    ------
    WriteError
        From `check`, if one of them cannot be written, or would overwrite what the job reads.
    """

    model: Path
    history: Path | None = None
    plots: Path | None = None

    def check(self, *sources: str | None) -> None:
        """Find out before the work is done whether its results can be kept."""
        pictures = [] if self.plots is None else picture_files(self.plots)
        check_distinct(sources, (self.model, self.history, *pictures))
        for file in filter(None, (self.model, self.history)):
            check_writable(file)
        if self.plots is not None:
            prepare_folder(self.plots)

    def as_texts(self) -> dict[str, str | None]:
        """Return the paths by what they hold."""
        return {name: path and str(path) for name, path in vars(self).items()}


@dataclass(frozen=True, eq=False)
class TrainingReport:
    """What came of a training job."""

    model: Model
    """With its settings and figures in ``training``."""
    run: TrainingRun
    on_train: Evaluation
    on_test: Evaluation | None
    """None where there are no test samples."""
    figures: dict[str, Any]
    """Accuracies, costs, iterations, seconds, and the engine's name, ready for JSON."""
    dataset: Dataset
    planned: int
    """The steps that were asked for."""

    @property
    def history(self) -> History:
        """Cost, accuracy and seconds of each step."""
        return self.run.history

    def save(self, files: TrainingFiles) -> None:
        """Write the model, and what else was asked for.

        Raises
        ------
        WriteError
            If a file cannot be written.
        """
        try:
            save(self.model, files.model)
        except WriteError as error:
            raise WriteError(f"{error} The trained network is lost: train it again.") from error
        if files.history is not None:
            write_atomically(files.history, self.history.to_csv().encode())
        if files.plots is not None:
            X, y = self.dataset.to_show
            save_plots(files.plots, history=self.history, model=self.model, X=X, y=y)


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """A training job, ready to run: data read, network drawn, engine chosen."""

    dataset: Dataset
    network: Network
    engine: Engine
    iterations: int
    settings: dict[str, Any] = field(default_factory=dict)
    label: str = USUAL_LABEL

    @property
    def model(self) -> Model:
        """The network before training, as a model."""
        return self._model(self.network, self.settings)

    def run(self, on_progress: Callable[[Progress], bool | None] | None = None) -> TrainingRun:
        """Take the steps; see `handgrad.training.train`."""
        return train(
            self.network,
            self.dataset.X_train,
            self.dataset.y_train,
            engine=self.engine,
            learning_rate=self.settings["learning_rate"],
            iterations=self.iterations,
            on_progress=on_progress,
        )

    def report(self, run: TrainingRun, **settings: Any) -> TrainingReport:
        """Test what a run found; ``settings`` are those that changed on the way."""
        dataset, engine = self.dataset, self.engine
        on_train = evaluate(run.network, dataset.X_train, dataset.y_train, engine=engine)
        on_test = None
        if len(dataset.X_test):
            on_test = evaluate(run.network, dataset.X_test, dataset.y_test, engine=engine)
        figures = {
            "test_accuracy": on_test and on_test.accuracy,
            "test_cost": on_test and on_test.cost,
            "train_accuracy": on_train.accuracy,
            "train_cost": on_train.cost,
            "iterations": run.iterations,
            "stopped": run.stopped,
            "seconds": run.seconds,
            "engine": engine.name,
        }
        model = self._model(run.network, self.settings | settings | figures)
        return TrainingReport(model, run, on_train, on_test, figures, dataset, self.iterations)

    def _model(self, network: Network, training: dict[str, Any]) -> Model:
        if isinstance(self.network, Model):  # which keeps what it knows
            return self.network.with_parameters(network.parameters).with_training(training)
        dataset = self.dataset
        return Model(
            *network.parameters,
            class_names=dataset.class_names,
            image_shape=dataset.image_shape,
            scaling=PIXEL_SCALE if dataset.X_train.dtype == np.uint8 else 1.0,
            training=training,
            feature_names=dataset.feature_names,
            label=None if dataset.feature_names is None else self.label,
        )


def prepare_training(
    source: str = USUAL_SOURCE,
    *,
    test: str | None = None,
    label: str | None = None,
    hidden: int = 10,
    iterations: int = 500,
    learning_rate: float = 0.1,
    seed: int = 0,
    initial: Scheme = "he",
    dtype: npt.DTypeLike = np.float32,
    engine: str = "auto",
    threads: int | None = None,
) -> TrainingJob:
    """Read the data of a training job, and draw its network.

    Parameters
    ----------
    source, test : str
        See `handgrad.data.load`; where neither has test samples, every fifth sample of each class
        is held out.
    label : str, optional
        The label column of a CSV file.
    hidden, seed, initial, dtype
        As in `handgrad.Network.initial`.
    iterations, learning_rate
        As in `handgrad.training.train`.
    engine, threads
        As in `handgrad.get_engine`.

    Raises
    ------
    DataError, MissingPackageError
        If the data cannot be read.
    ShapeError, EngineError
        If a setting is out of range.

    Examples
    --------
    >>> job = prepare_training("digits", hidden=8, iterations=20)
    >>> report = job.report(job.run())
    >>> report.figures["iterations"], report.model
    (20, Model(64 features, 8 hidden units, 10 classes, float32))
    """
    label = label or USUAL_LABEL
    dataset = _training_data(source, test, label)
    return TrainingJob(
        dataset,
        initial_network(dataset, hidden=hidden, seed=seed, dtype=dtype, scheme=initial),
        get_engine(engine, threads=threads),
        iterations,
        {"source": source, "learning_rate": learning_rate, "seed": seed, "initial": initial},
        label,
    )


def prepare_further_training(
    path: Path,
    source: str = USUAL_SOURCE,
    *,
    label: str | None = None,
    iterations: int = 500,
    learning_rate: float = 0.1,
    engine: str = "auto",
    threads: int | None = None,
) -> TrainingJob:
    """Read the data of a job that trains a model further; see `prepare_training`.

    Features and classes of the source are found by the names that the model knows.
    """
    model = load_model(path)
    label = label or model.label or USUAL_LABEL
    dataset = _training_data(source, None, label, model.feature_names)
    dataset = dataset.with_classes(model.class_names, source)
    check_features(dataset.X_train, source, model.D, f"{named(path)} takes")
    if not model.pixels:
        dataset = dataset.with_numbers()
    settings = {"source": source, "learning_rate": learning_rate}
    return TrainingJob(dataset, model, get_engine(engine, threads=threads), iterations, settings)


def load_model(path: Path) -> Model:
    """Read a model file as a model, whatever was saved.

    Raises
    ------
    ModelFileError
        If the file cannot be read.
    """
    return Model.of(load(path))


def samples_for(model: Model, path: Path, source: str, *, label: str | None = None) -> Samples:
    """Read samples whose features and labels the model finds by the names that it remembers.

    Parameters
    ----------
    model : Model
    path : path
        Where the model was read, for errors.
    source : str
        See `handgrad.data.load_samples`.
    label : str, optional
        The label column of a CSV file, where it is not the model's.

    Raises
    ------
    DataError
        If the samples cannot be read, or do not fit the model.
    """
    samples = data.load_samples(
        source,
        label=label or model.label or USUAL_LABEL,
        image_shape=model.image_shape,
        features=model.feature_names,
    )
    check_features(samples.X, source, model.D, f"{named(path)} takes")
    return samples


def check_features(X: Any, source: str, expected: int, whose: str) -> None:
    """Raise a DataError where rows have another number of features than expected."""
    found = X.shape[1]
    if found != expected:
        raise DataError(f"{named(source)} has {found} features per sample; {whose} {expected}.")


def _training_data(
    source: str, test: str | None, label: str, features: Sequence[str] | None = None
) -> Dataset:
    dataset = data.load(source, label=label, features=features)
    if test is None:
        return dataset if len(dataset.X_test) else dataset.with_held_out_test()
    samples = data.load_samples(
        test, label=label, image_shape=dataset.image_shape, features=dataset.feature_names
    )
    check_features(samples.X, test, dataset.X_train.shape[1], f"{named(source)} has")
    return dataset.with_test(samples)
