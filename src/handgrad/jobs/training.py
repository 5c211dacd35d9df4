"""Whole training jobs, from a source to a report; the commands call these."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import __version__
from handgrad.data import USUAL_LABEL, USUAL_SOURCE, BlockDataset
from handgrad.engines import get_engine
from handgrad.engines.dask import DaskEngine
from handgrad.errors import ShapeError
from handgrad.evaluation import evaluate
from handgrad.files.checkpoint import Checkpoint
from handgrad.jobs.inputs import check_features, load_model
from handgrad.jobs.results import TrainingFiles, TrainingReport
from handgrad.jobs.training_data import training_data
from handgrad.memory import memory
from handgrad.model import Model
from handgrad.network import Network
from handgrad.quoting import named, shown
from handgrad.rows import PIXEL_SCALE
from handgrad.solvers import Training
from handgrad.solvers.training import drive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from handgrad.data import Dataset
    from handgrad.engines import Engine, Progress, Session
    from handgrad.initial import Scheme
    from handgrad.jobs.streaming import Streaming
    from handgrad.solvers import Checkpoints, Result, RunState

__all__ = [
    "TrainingFiles",
    "TrainingJob",
    "TrainingReport",
    "prepare_further_training",
    "prepare_training",
]

MOST_HIDDEN = 10**9  # more than any machine can hold


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """A training job, ready to run: data read, network drawn, engine chosen."""

    dataset: Dataset | BlockDataset
    network: Network
    engine: Engine
    training: Training
    settings: dict[str, Any] = field(default_factory=dict)
    label: str = USUAL_LABEL
    test: str | None = None
    start: RunState | None = None
    """Where the run continues."""
    remark: str | None = None
    """What the user should know before the run, as a sentence."""

    @property
    def model(self) -> Model:
        """The network before training, as a model."""
        return self._model(self.network, self._settings)

    @property
    def _settings(self) -> dict[str, Any]:
        settings = self.settings | self.training.settings
        del settings[self.training.unit]  # planned; the figures say how many were taken
        if self.start is not None and self.training.learning_rate is not None:
            settings["learning_rate"] = self.start.learning_rate
        return settings

    def run(
        self,
        on_progress: Callable[[Progress], bool | None] | None = None,
        checkpoints: Checkpoints | None = None,
        ends: Callable[[], bool] | None = None,
    ) -> Result:
        """Train; the arguments are those of `handgrad.solvers.train`."""
        driver = self.training.driver(
            on_progress=on_progress, ends=ends, start=self.start, checkpoints=checkpoints
        )
        return drive(driver, self.training.prepare(self.engine), self.session(), self.network)

    def session(self) -> Session:
        """Return the training rows as a session of the engine."""
        X, y = self.dataset.train
        return self.engine.session(X, y, self.training.objective(self.network.output))

    @cached_property
    def fingerprint(self) -> str:
        """What tells the training rows apart; see `handgrad.data.Dataset.fingerprint`."""
        return self.dataset.fingerprint

    @cached_property
    def computed_by(self) -> dict[str, str]:
        """What the last bits of the run depend on, apart from its settings and rows."""
        engine = self.engine
        kernels = engine.kernels if isinstance(engine, DaskEngine) else None
        return {
            "engine": engine.name if kernels is None else kernels.engine,
            "instruction_set": engine.instruction_set,
            "handgrad": __version__,
        }

    def checkpoint(self, state: RunState) -> Checkpoint:
        """Return a state of the run with what must be the same for it to continue."""
        return Checkpoint(
            state=state,
            training=self.training,
            job={
                "source": self.settings.get("source"),
                "test": self.test,
                "label": self.label,
                "initial": self.settings.get("initial"),
            },
            window=self.dataset.window,
            fingerprint=self.fingerprint,
            computed_by=self.computed_by,
        )

    def report(self, run: Result, **settings: Any) -> TrainingReport:
        """Evaluate the network of a run; ``settings`` are those that changed during the run."""
        dataset, engine = self.dataset, self.engine
        on_train = evaluate(run.network, *dataset.train, engine=engine)
        on_test = dataset.test and evaluate(run.network, *dataset.test, engine=engine)
        figures = {
            "test_accuracy": on_test and on_test.accuracy,
            "test_cost": on_test and on_test.cost,
            "train_accuracy": on_train.accuracy,
            "train_cost": on_train.cost,
            "iterations": run.iterations,
            self.training.unit: run.iterations,
            "resumed_at": self.start and self.start.iterations,
            "stopped": run.stopped,
            "seconds": run.seconds,
            "engine": engine.name,
            "instruction_set": engine.instruction_set,
            "threads": engine.threads,
        }
        model = self._model(run.network, self._settings | settings | figures)
        return TrainingReport(model, run, on_train, on_test, figures, dataset, self.training)

    def _model(self, network: Network, training: dict[str, Any]) -> Model:
        if isinstance(self.network, Model):  # it keeps its names and its scaling
            return self.network.with_parameters(network.parameters).with_training(training)
        dataset = self.dataset
        return Model(
            *network.parameters,
            class_names=dataset.class_names,
            image_shape=dataset.image_shape,
            scaling=PIXEL_SCALE if dataset.dtype == np.uint8 else 1.0,
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
    initial: Scheme = "he",
    dtype: npt.DTypeLike = np.float32,
    engine: str = "auto",
    threads: int | None = None,
    dask: str | None = None,
    streaming: Streaming | None = None,
    **settings: Any,
) -> TrainingJob:
    """Read the data of a training job, and draw the initial values of its network.

    Parameters
    ----------
    source, test : str
        See `handgrad.data.load`; if neither has test samples, every fifth sample of each class is
        held out.
    label : str, optional
        The label column of a table: CSV, Parquet, Arrow or Feather.
    hidden, initial, dtype
        As in `handgrad.Network.initial`.
    engine, threads
        As in `handgrad.get_engine`.
    dask : str, optional
        The address of a Dask scheduler whose workers train, or "local".
    streaming : Streaming, optional
        How rows beyond memory are read.
    **settings
        The solver and its settings; see `handgrad.solvers.Training`. The seed is also that of the
        initial values.

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
    training = _training(settings)
    label = label or USUAL_LABEL
    dataset = training_data(source, test, label, streaming=streaming)
    features, classes = dataset.features, len(dataset.class_names)
    _check_memory(features, hidden, classes)
    network = Network.initial(
        features=features,
        hidden=hidden,
        classes=classes,
        seed=training.seed,
        dtype=dtype,
        scheme=initial,
    )
    chosen = chosen_engine(engine, threads, dask)
    others = {"source": source, "initial": initial}
    return TrainingJob(dataset, network, chosen, training, others, label, test)


def prepare_further_training(
    path: Path,
    source: str = USUAL_SOURCE,
    *,
    label: str | None = None,
    engine: str = "auto",
    threads: int | None = None,
    **settings: Any,
) -> TrainingJob:
    """Read the data of a job that trains a model further; see `prepare_training`.

    The names that the model knows identify the features and the classes of the source.
    """
    training = _training(settings)
    model = load_model(path)
    label = label or model.label or USUAL_LABEL
    dataset = training_data(source, None, label, model.feature_names)
    dataset = dataset.with_classes(model.class_names, source)
    check_features(dataset.features, source, model.D, f"{named(path)} takes")
    if not model.pixels:
        dataset = dataset.with_numbers()
    chosen = get_engine(engine, threads=threads)
    return TrainingJob(dataset, model, chosen, training, {"source": source})


def _training(settings: dict[str, Any]) -> Training:
    """Return the settings as a value, after checks that come before anything is read."""
    training = Training(**settings)
    training.check_packages()
    return training


def _check_memory(features: int, hidden: int, classes: int) -> None:
    """Refuse a network that does not fit into memory, before any memory is taken."""
    if hidden > MOST_HIDDEN:
        raise ShapeError(f"hidden is {shown(hidden)}; expected at most {MOST_HIDDEN:,}.")
    needed = 8 * (hidden * (features + 1) + classes * (hidden + 1))  # drawn in float64
    if needed > memory():
        raise ShapeError(
            f"A network of {features:,} features, {hidden:,} hidden units and {classes:,} "
            f"classes needs {needed / 1e9:.3g} GB, and this machine has {memory() / 1e9:.3g}; "
            "expected fewer hidden units."
        )


def chosen_engine(name: str, threads: int | None, dask: str | None) -> Engine:
    """Return the engine of that name, or that of a Dask cluster if there is an address."""
    return get_engine(name, threads=threads) if dask is None else DaskEngine(dask, threads=threads)
