"""Checkpoints of a job: written while it runs, and read to continue it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import CheckpointError, HandgradError
from handgrad.files.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from handgrad.jobs.streaming import Streaming
from handgrad.jobs.targets import described, named_columns, names_in
from handgrad.jobs.training import TrainingJob, chosen_engine, sizes_of
from handgrad.jobs.training_data import training_data
from handgrad.quoting import named, shown
from handgrad.solvers import USUAL_INTERVAL, Checkpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from handgrad.data.targets import TargetColumns
    from handgrad.solvers import RunState, Training


def checkpoints_of(
    job: TrainingJob,
    path: Path,
    *,
    every: str = USUAL_INTERVAL,
    tell: Callable[[str], object],
) -> Checkpoints:
    """Return checkpoints that write to one file, each time whole.

    A run does not end because its checkpoint cannot be written. ``tell`` gets a sentence about the
    first failure, the last checkpoint stays, and the next one is tried when it is due.
    """
    writes = True

    def keep(state: RunState) -> None:
        nonlocal writes
        try:
            save_checkpoint(job.checkpoint(state), path)
        except (HandgradError, MemoryError) as error:
            reason = "There is no memory for a checkpoint." if not str(error) else str(error)
            if writes:
                tell(f"{reason} The run continues, and the last checkpoint stays as it is.")
            writes = False
        else:
            writes = True

    return Checkpoints(keep, every)


def prepare_resumed(
    path: Path,
    source: str | None = None,
    *,
    test: str | None = None,
    label: str | Sequence[str] | None = None,
    engine: str = "auto",
    threads: int | None = None,
    dask: str | None = None,
    streaming: Streaming | None = None,
    **settings: Any,
) -> TrainingJob:
    """Read a checkpoint and its data, and prepare the job to continue.

    Parameters
    ----------
    path : path
        The checkpoint.
    source, test, label
        As in `handgrad.jobs.training.prepare_training`; by default those of the checkpoint. The
        training rows must be the same, wherever they lie.
    engine, threads, dask, streaming
        As in `handgrad.jobs.training.prepare_training`; they may differ from those of the run so
        far. Rows come in blocks if they did so far.
    **settings
        ``hidden``, ``activation``, ``initial``, ``dtype``, ``regression``, ``loss``, and those of
        `handgrad.solvers.Training`; they must be those of the checkpoint. The numbers of iterations
        or epochs alone may change.

    Raises
    ------
    CheckpointError
        If the checkpoint cannot be read, or belongs to other rows or settings.
    DataError, MissingPackageError
        If the data cannot be read.
    """
    checkpoint = load_checkpoint(path)
    recorded, state = checkpoint.job, checkpoint.state
    training = _continued(path, checkpoint, settings)
    training.check_packages()
    source = _source(path, source or recorded.get("source"))
    test, targets = test or recorded.get("test"), _targets(checkpoint, label)
    streaming = (streaming or Streaming()).continuing(checkpoint.window)
    dataset = training_data(source, test, targets, streaming=streaming)
    if dataset.window != checkpoint.window:
        state = state.without_order()
    job = TrainingJob(
        dataset,
        state.network,
        chosen_engine(engine, threads, dask),
        training,
        {"source": source, "initial": recorded.get("initial")},
        targets,
        test,
        state,
    )
    if job.fingerprint != checkpoint.fingerprint:
        raise CheckpointError(
            f"{named(path)} was trained on other rows than those of {named(source)} "
            f"({checkpoint.fingerprint}; found {job.fingerprint}); expected the same source, and "
            "the same --label and --test."
        )
    return replace(job, remark=_remark(checkpoint, job))


def _continued(path: Path, checkpoint: Checkpoint, settings: Mapping[str, Any]) -> Training:
    """Return the settings of the run, which may go on for longer than was planned."""
    training, network = checkpoint.training, checkpoint.state.network
    recorded = (
        training.settings
        | described(network)
        | {
            "dtype": str(network.dtype),
            "initial": checkpoint.job.get("initial"),
            "regression": network.predicts == "values",
        }
    )
    for name, given in settings.items():
        if name not in recorded:
            raise CheckpointError(
                f"{named(path)} continues a run of {training.solver}, which takes no {name}; "
                "expected the settings of that run."
            )
        value = _comparable(name, given)
        if name != training.unit and value != recorded[name]:
            raise CheckpointError(
                f"{named(path)} continues a run with {name} {shown(recorded[name])}, not "
                f"{shown(value)}; expected the settings of that run, which it knows."
            )
    planned, taken = settings.get(training.unit, training.planned), checkpoint.state.iterations
    training = replace(training, **{training.unit: planned})
    if planned < taken:
        raise CheckpointError(
            f"{named(path)} continues a run that has taken {taken} {training.steps_or_epochs}; "
            f"expected no fewer {training.unit} than that, and not {planned}."
        )
    return training


def _comparable(name: str, given: Any) -> Any:
    """Return a setting that was given as a checkpoint records it."""
    if name == "dtype":
        return np.dtype(given).name
    if name == "hidden":
        sizes = sizes_of(given)
        return sizes[0] if len(sizes) == 1 else list(sizes)
    return given


def _targets(checkpoint: Checkpoint, label: str | Sequence[str] | None) -> TargetColumns:
    """Return the columns to predict: those of the run so far, under other names if some are given.

    A checkpoint holds the name of a column of classes as it is, and other names as one text.
    """
    network, recorded = checkpoint.state.network, checkpoint.job.get("label")
    if not label and recorded is not None and network.predicts != "classes":
        label = names_in(recorded)
    return named_columns(label or recorded, regression=network.predicts == "values")


def _source(path: Path, source: str | None) -> str:
    if source is None:
        raise CheckpointError(f"{named(path)} does not know its source; name the source, too.")
    return source


def _remark(checkpoint: Checkpoint, job: TrainingJob) -> str | None:
    """Say why the run may differ from one that never stopped; None if it does not."""
    if checkpoint.training.solver == "lbfgs":
        return (
            "lbfgs continues from its weights at no higher cost; its steps are not those of a run "
            "that never stopped."
        )
    in_batches = checkpoint.training.batch_size is not None
    before, now = (
        dict(by) | {"rows": _place_of_rows(window, in_batches)}
        for by, window in (
            (checkpoint.computed_by, checkpoint.window),
            (job.computed_by, job.dataset.window),
        )
    )
    different = [name for name in now if now[name] != before.get(name)]
    if not different:
        return None
    changes = ", ".join(f"{name.replace('_', ' ')} {now[name]}" for name in different)
    earlier = ", ".join(str(before.get(name)) for name in different)
    what = "its last bits may differ from those of"
    if "rows" in different and in_batches:
        what = "it takes its rows in another order than"
    return f"The run continues with {changes} (before: {earlier}); {what} a run that never stopped."


def _place_of_rows(window: int | None, in_batches: bool) -> str:
    """Say where the rows lie, as far as it matters: only batches depend on the window."""
    if window is None:
        return "in memory"
    return f"in blocks with a window of {window}" if in_batches else "in blocks"
