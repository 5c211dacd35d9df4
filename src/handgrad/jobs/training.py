"""Whole training jobs, from a source to a report; the commands call these."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import __version__
from handgrad.arguments import whole_number
from handgrad.data import USUAL_SOURCE, BlockDataset
from handgrad.data.targets import CLASSES, TargetColumns
from handgrad.engines import get_engine
from handgrad.engines.dask import DaskEngine
from handgrad.errors import ShapeError
from handgrad.evaluation import evaluate
from handgrad.files.checkpoint import Checkpoint
from handgrad.initial import usual_scheme
from handgrad.jobs.inputs import check_features, load_model
from handgrad.jobs.results import TrainingFiles, TrainingReport
from handgrad.jobs.targets import as_text, columns_of, described, named_columns, output_for
from handgrad.jobs.training_data import hint_of_values, training_data
from handgrad.memory import memory
from handgrad.model import Model
from handgrad.network import Network
from handgrad.quoting import named
from handgrad.rows import PIXEL_SCALE
from handgrad.solvers import Training
from handgrad.solvers.training import drive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from handgrad.data import Dataset
    from handgrad.engines import Engine, Progress, Session
    from handgrad.initial import Scheme
    from handgrad.jobs.streaming import Streaming
    from handgrad.layers import Activation
    from handgrad.objective import ValueLoss
    from handgrad.solvers import Checkpoints, Result, RunState

__all__ = [
    "TrainingFiles",
    "TrainingJob",
    "TrainingReport",
    "prepare_further_training",
    "prepare_training",
]

MOST_HIDDEN = 10**9  # units of a layer: more than any machine can hold
MOST_LAYERS = 64  # hidden ones; the header of a checkpoint has room for about a hundred


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """A training job, ready to run: data read, network drawn, engine chosen."""

    dataset: Dataset | BlockDataset
    network: Network
    engine: Engine
    training: Training
    settings: dict[str, Any] = field(default_factory=dict)
    targets: TargetColumns = CLASSES
    """The columns that hold what is predicted."""
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
        settings = self.settings | described(self.network) | self.training.settings
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
                "label": as_text(self.targets),
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
        headline = on_train.headline
        of_test = dict.fromkeys(headline) if on_test is None else on_test.headline
        figures = {
            **{f"test_{name}": figure for name, figure in of_test.items()},
            **{f"train_{name}": figure for name, figure in headline.items()},
            **described(run.network),
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
        is_named = dataset.feature_names is not None and len(self.targets.names) == 1
        return Model.of(
            network,
            class_names=dataset.target_names,
            image_shape=dataset.image_shape,
            scaling=PIXEL_SCALE if dataset.dtype == np.uint8 else 1.0,
            training=training,
            feature_names=dataset.feature_names,
            label=self.targets.names[0] if is_named else None,
        )


def prepare_training(
    source: str = USUAL_SOURCE,
    *,
    test: str | None = None,
    label: str | Sequence[str] | None = None,
    hidden: int | Sequence[int] = 10,
    activation: Activation = "relu",
    regression: bool = False,
    loss: ValueLoss | None = None,
    initial: Scheme | None = None,
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
    label : str or sequence of str, optional
        The label column of a table: CSV, Parquet, Arrow or Feather. A sequence names the columns of
        several labels per sample, or of several values.
    hidden, activation, initial, dtype
        As in `handgrad.Network.initial`, whose ``scheme`` is ``initial``.
    regression : bool
        Whether the labels are values to predict, and not classes.
    loss : {"squared_error", "poisson"}, optional
        The loss of a regression: the squared error by default; Poisson's for counts of 0 or more.
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
    ShapeError, EngineError, TrainingError
        If a setting is out of range, or does not belong to the others.

    Examples
    --------
    >>> job = prepare_training("digits", hidden=8, iterations=20)
    >>> report = job.report(job.run())
    >>> report.figures["iterations"], report.model
    (20, Model(64 features, 8 hidden units, 10 classes, float32))
    """
    training = _training(settings)
    targets, sizes = named_columns(label, regression=regression), sizes_of(hidden)
    output = output_for(targets.predicts, loss)
    dataset = training_data(source, test, targets, streaming=streaming)
    _check_memory(dataset.features, sizes, dataset.outputs)
    scheme = initial or usual_scheme(activation)
    network = Network.initial(
        features=dataset.features,
        hidden=sizes,
        classes=dataset.outputs,
        activation=activation,
        output=output,
        seed=training.seed,
        dtype=dtype,
        scheme=scheme,
    )
    chosen = chosen_engine(engine, threads, dask)
    others = {"source": source, "initial": scheme}
    remark = hint_of_values(source, dataset)
    return TrainingJob(dataset, network, chosen, training, others, targets, test, remark=remark)


def prepare_further_training(
    path: Path,
    source: str = USUAL_SOURCE,
    *,
    label: str | Sequence[str] | None = None,
    engine: str = "auto",
    threads: int | None = None,
    **settings: Any,
) -> TrainingJob:
    """Read the data of a job that trains a model further; see `prepare_training`.

    The names that the model knows identify the features and the targets of the source. Two classes
    of a single logistic output are trained as the softmax that the page shows.
    """
    training = _training(settings)
    model = load_model(path).as_softmax()
    targets = columns_of(model, label)
    dataset = training_data(source, None, targets, model.feature_names)
    dataset = dataset.with_classes(model.class_names, source)
    check_features(dataset.features, source, model.D, f"{named(path)} takes")
    if not model.pixels:
        dataset = dataset.with_numbers()
    chosen = get_engine(engine, threads=threads)
    return TrainingJob(dataset, model, chosen, training, {"source": source}, targets)


def _training(settings: dict[str, Any]) -> Training:
    """Return the settings as a value, after checks that come before anything is read."""
    training = Training(**settings)
    training.check_packages()
    return training


def sizes_of(hidden: int | Sequence[int]) -> tuple[int, ...]:
    """Return the units of each hidden layer, given as one number for one layer or as several."""
    sizes = tuple(hidden) if isinstance(hidden, list | tuple) else (hidden,)
    if len(sizes) > MOST_LAYERS:
        raise ShapeError(f"hidden names {len(sizes):,} layers; expected at most {MOST_LAYERS}.")
    return sizes


def _check_memory(features: int, sizes: Sequence[int], outputs: int) -> None:
    """Refuse a network that does not fit into memory, before any memory is taken."""
    for size in sizes:
        whole_number("hidden", size, 1, MOST_HIDDEN, ShapeError)
    pairs = pairwise([features, *sizes, outputs])
    needed = 8 * sum(after * (before + 1) for before, after in pairs)  # drawn in float64
    if needed > memory():
        units = ", ".join(f"{size:,}" for size in sizes) or "no"
        raise ShapeError(
            f"A network of {features:,} features, {units} hidden units and {outputs:,} outputs "
            f"needs {needed / 1e9:.3g} GB, and this machine has {memory() / 1e9:.3g}; expected "
            "fewer hidden units."
        )


def chosen_engine(name: str, threads: int | None, dask: str | None) -> Engine:
    """Return the engine of that name, or that of a Dask cluster if there is an address."""
    return get_engine(name, threads=threads) if dask is None else DaskEngine(dask, threads=threads)
