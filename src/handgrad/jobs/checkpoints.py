"""Checkpoints of a job: written while it runs, and read to continue it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import CheckpointError, HandgradError
from handgrad.files.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from handgrad.jobs.inputs import USUAL_LABEL
from handgrad.jobs.training import TrainingJob, chosen_engine, computed_by
from handgrad.jobs.training_data import Streaming, training_data
from handgrad.quoting import named, shown
from handgrad.solvers import USUAL_INTERVAL, Checkpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from handgrad.engines import Engine
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
    label: str | None = None,
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
        far.
    **settings
        ``hidden``, ``initial``, ``dtype``, and those of `handgrad.solvers.Training`; they must be
        those of the checkpoint. The numbers of iterations or epochs alone may change.

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
    test, label = test or recorded.get("test"), label or recorded.get("label") or USUAL_LABEL
    chosen = chosen_engine(engine, threads, dask)
    job = TrainingJob(
        training_data(source, test, label, streaming=streaming),
        state.network,
        chosen,
        training,
        {"source": source, "initial": recorded.get("initial")},
        label,
        test,
        state,
        _remark(checkpoint, chosen),
    )
    if job.fingerprint != checkpoint.fingerprint:
        raise CheckpointError(
            f"{named(path)} was trained on other rows than those of {named(source)} "
            f"({checkpoint.fingerprint}; found {job.fingerprint}); expected the same source, and "
            "the same --label and --test."
        )
    return job


def _continued(path: Path, checkpoint: Checkpoint, settings: Mapping[str, Any]) -> Training:
    """Return the settings of the run, which may go on for longer than was planned."""
    training, network = checkpoint.training, checkpoint.state.network
    recorded = training.settings | {
        "hidden": network.H,
        "dtype": str(network.dtype),
        "initial": checkpoint.job.get("initial"),
    }
    for name, given in settings.items():
        if name not in recorded:
            raise CheckpointError(
                f"{named(path)} continues a run of {training.solver}, which takes no {name}; "
                "expected the settings of that run."
            )
        value = np.dtype(given).name if name == "dtype" else given
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


def _source(path: Path, source: str | None) -> str:
    if source is None:
        raise CheckpointError(f"{named(path)} does not know its source; name the source, too.")
    return source


def _remark(checkpoint: Checkpoint, engine: Engine) -> str | None:
    """Say why the bits may differ from those of a run that never stopped; None if they do not."""
    if checkpoint.training.solver == "lbfgs":
        return (
            "lbfgs continues from its weights at no higher cost; its steps are not those of a run "
            "that never stopped."
        )
    before, now = checkpoint.computed_by, computed_by(engine)
    different = [name for name in now if now[name] != before.get(name)]
    if not different:
        return None
    changes = ", ".join(f"{name.replace('_', ' ')} {now[name]}" for name in different)
    earlier = ", ".join(str(before.get(name)) for name in different)
    return (
        f"The run continues with {changes} (before: {earlier}); its last bits may differ from "
        "those of a run that never stopped."
    )
