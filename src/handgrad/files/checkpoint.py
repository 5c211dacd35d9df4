"""Checkpoints as safetensors: the state of a run and the job that it belongs to.

A file holds a digest of all its content, so that damage anywhere in it is found. As for model
files, `handgrad.files.tensor_file` checks what it reads.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arguments import real_number, whole_number
from handgrad.engines import Moments
from handgrad.engines.inputs import check_moments
from handgrad.errors import CheckpointError, HandgradError, TrainingError
from handgrad.files.atomic import write_atomically
from handgrad.files.tensor_file import (
    DAMAGES,
    LARGEST_HEADER,
    METADATA,
    Tensor,
    TensorFile,
    by_name,
    header_length,
    parameter_names,
)
from handgrad.quoting import named
from handgrad.solvers import BatchMemory, RunState, Training
from handgrad.solvers.history import History

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import numpy.typing as npt

    from handgrad.network import Network

FIRST_VERSION = 1  # for one hidden layer of ReLU that predicts classes: older programs read it
FORMAT_VERSION = 2  # the newest: it names the activation of each hidden layer
HISTORY = ("costs", "accuracies", "seconds")
ARRAYS = dict.fromkeys(HISTORY, "F64") | {"order": "I64", "random": "U32"}
KEY = 624  # words of the state of NumPy's MT19937


@dataclass(frozen=True, eq=False, kw_only=True)
class Checkpoint:
    """The state of a run, and what must be the same for the run to continue."""

    state: RunState
    training: Training
    job: Mapping[str, str | None]
    """Further settings of the job, as texts: where its rows came from, and the like."""
    window: int | None = None
    """How many leaves of blocks lie in memory together; None if all rows do."""
    fingerprint: str
    """The fingerprint of the training rows; see `handgrad.data.fingerprint`."""
    computed_by: Mapping[str, str]
    """Engine, instruction set and version of handgrad, on which the last bits depend."""


def save_checkpoint(checkpoint: Checkpoint, path: str | os.PathLike[str]) -> None:
    """Write a checkpoint, whole or not at all: a process that is killed leaves the old file.

    Raises
    ------
    WriteError
        If the file cannot be written.
    CheckpointError
        If the order of rows is not drawn by MT19937, as that of every seed is, or if the texts of
        the job and the names of the arrays exceed the 64 kB of a header.
    """
    from safetensors.numpy import save as to_bytes

    arrays = _arrays(checkpoint.state)
    description = json.loads(json.dumps(_description(checkpoint), default=_plain))
    contents = {name: np.ascontiguousarray(array).tobytes() for name, array in arrays.items()}
    description["digest"] = digest_of(description, contents)
    content = to_bytes(arrays, metadata={METADATA: json.dumps(description)})
    if header_length(content[:8]) > LARGEST_HEADER:
        raise CheckpointError(
            f"{named(path)} would need a header of more than {LARGEST_HEADER // 1024} kB; "
            "expected shorter names of the source and the label, or fewer layers."
        )
    write_atomically(path, content)


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read what `save_checkpoint` wrote.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, from another program, or of a newer format.
    """
    file = TensorFile(
        Path(path),
        "checkpoint",
        "a checkpoint that `handgrad train --checkpoint` wrote",
        "train anew",
        CheckpointError,
    )
    tensors, metadata = file.read()
    description = file.description(metadata)
    if description.get("kind") in ("network", "model", "estimator"):
        raise file.fault(f"is a {description['kind']}; expected {file.expected}.")
    file.check_version(description, FORMAT_VERSION)
    if description.get("kind") != "checkpoint":
        raise file.damaged_metadata()
    contents = {name: tensor.content for name, tensor in tensors.items()}
    if description.pop("digest", None) != digest_of(description, contents):
        raise file.fault("is damaged: its content does not match its digest; train anew.")
    try:
        return _build(file, description, tensors)
    except CheckpointError:
        raise
    except (*DAMAGES, HandgradError) as error:
        raise file.fault(f"does not describe a checkpoint ({named(error)}); train anew.") from error


def _arrays(state: RunState) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = dict(zip(HISTORY, state.history, strict=True))
    arrays |= by_name(state.network.parameters)
    if state.best is not None:
        arrays |= by_name(state.best.parameters, "best.")
    memory = state.memory
    if memory is not None and memory.moments is not None:
        arrays |= by_name(memory.moments.first, "first.")
        arrays |= by_name(memory.moments.second, "second.")
    if memory is not None and memory.order is not None:
        arrays["order"] = memory.order
    if memory is not None and memory.random is not None:
        if memory.random["bit_generator"] != "MT19937":
            raise CheckpointError(
                f"The rows are shuffled by {memory.random['bit_generator']}, whose state a "
                "checkpoint cannot hold; expected MT19937: pass a seed."
            )
        arrays["random"] = memory.random["state"]["key"]
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _description(checkpoint: Checkpoint) -> dict[str, Any]:
    state = checkpoint.state
    return _with_format(state.network) | {
        "kind": "checkpoint",
        "training": checkpoint.training.settings,
        "job": dict(checkpoint.job),
        "window": checkpoint.window,
        "fingerprint": checkpoint.fingerprint,
        "computed_by": dict(checkpoint.computed_by),
        "output": state.network.output,
        "learning_rate": _finite(state.learning_rate),
        "lowest": _finite(state.lowest),
        "figure": _finite(state.figure),
        "waited": state.waited,
        "memory": None if state.memory is None else _described(state.memory),
    }


def _with_format(network: Network) -> dict[str, Any]:
    """Return the version of the format, with what it says of a network's hidden layers."""
    activations = [layer.activation for layer in network.layers[:-1]]
    if activations == ["relu"] and network.predicts == "classes":
        return {"format_version": FIRST_VERSION}
    return {"format_version": FORMAT_VERSION, "activations": activations}


def _described(memory: BatchMemory) -> dict[str, Any]:
    """Return what is not an array."""
    steps, random = None if memory.moments is None else memory.moments.steps, None
    if memory.random is not None:
        random = {name: memory.random[name] for name in ("has_gauss", "gauss")}
        random["pos"] = memory.random["state"]["pos"]
    return {"steps": steps, "random": random}


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def _plain(value: Any) -> Any:
    """Return a number of NumPy as a number of Python."""
    return value.item()


def digest_of(description: Mapping[str, Any], contents: Mapping[str, bytes]) -> str:
    """Return the digest of everything in a file: the description without it, and all arrays."""
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name in sorted(contents):
        digest.update(f"{name} {len(contents[name])} ".encode())
        digest.update(contents[name])
    return digest.hexdigest()


def _build(file: TensorFile, description: dict[str, Any], tensors: dict[str, Tensor]) -> Checkpoint:
    """Rebuild the checkpoint; if anything is missing or wrong, raise an error."""
    training = Training(**description["training"])
    others = file.others(tensors, ARRAYS)
    is_first = description["format_version"] == FIRST_VERSION
    like = ("relu",) if is_first else description["activations"], description["output"]
    groups = {prefix: _group(tensors, prefix) for prefix in ("best.", "first.", "second.")}
    network = file.network(tensors, *like)
    best = file.network(groups["best."], *like) if groups["best."] else None
    if best is not None and [a.shape for a in best.parameters] != [
        a.shape for a in network.parameters
    ]:
        raise ValueError("a best network of another shape")
    history = _history(others)
    whole_number(training.unit, len(history.costs), 0, training.planned, TrainingError)
    state = RunState(
        solver=training.solver,
        network=network,
        learning_rate=_rate(training, description["learning_rate"]),
        history=history,
        best=best,
        lowest=_figure(description["lowest"]),
        figure=_figure(description["figure"]),
        waited=whole_number("waited", description["waited"], 0, None, TrainingError),
        memory=_memory(training, description["memory"], network, groups, others),
    )
    return Checkpoint(
        state=state,
        training=training,
        job=_texts(description["job"]),
        window=_window(description["window"]),
        fingerprint=_text(description["fingerprint"]),
        computed_by={name: _text(value) for name, value in description["computed_by"].items()},
    )


def _group(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Remove the tensors whose names have a prefix, and return them by their names without it."""
    names = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in names}


def _history(arrays: Mapping[str, npt.NDArray[Any]]) -> History:
    history = History(*(arrays[name] for name in HISTORY))
    if len({len(figures) for figures in history}) > 1:
        raise ValueError("a history whose parts differ in length")
    seconds = history.seconds
    if not (np.isfinite(seconds).all() and seconds.min(initial=0) >= 0):
        raise ValueError("seconds that are not numbers of 0 or more")
    return history


def _rate(training: Training, found: Any) -> float:
    if training.learning_rate is None:
        if found is not None:
            raise ValueError(f"{training.solver} has a learning rate")
        return math.nan
    if type(found) not in (int, float) or not 0 < real_number(found) < math.inf:
        raise ValueError("a learning rate that is not a number above 0")
    return float(found)


def _figure(found: Any) -> float:
    if found is None:
        return math.inf
    if type(found) not in (int, float) or not math.isfinite(real_number(found)):
        raise ValueError("a figure that is not a number")
    return float(found)


def _memory(
    training: Training,
    found: dict[str, Any] | None,
    network: Network,
    groups: Mapping[str, Mapping[str, Tensor]],
    arrays: Mapping[str, npt.NDArray[Any]],
) -> BatchMemory | None:
    """Return what sgd or adam remembers, after a check that nothing else is there."""
    first, second = groups["first."], groups["second."]
    if found is None:
        if first or second or "order" in arrays or "random" in arrays:
            raise ValueError("arrays of a memory that is missing")
        return None
    if training.batch_size is None:
        raise ValueError(f"{training.solver} has a memory")
    moments = None
    if found["steps"] is not None:
        names = parameter_names(len(network.layers))
        if set(first) != set(names) or set(second) != set(names):
            raise ValueError("moments that are not those of the network's arrays")
        ordered = [[group[name].array() for name in names] for group in (first, second)]
        moments = Moments(found["steps"], *map(tuple, ordered))
        check_moments(moments, network)
    elif first or second:
        raise ValueError("moments without steps")
    return BatchMemory(moments, arrays.get("order"), _random(found["random"], arrays.get("random")))


def _random(
    found: dict[str, Any] | None, key: npt.NDArray[np.uint32] | None
) -> dict[str, Any] | None:
    """Return the state of NumPy's MT19937."""
    if found is None and key is None:
        return None
    if found is None or key is None or key.shape != (KEY,):
        raise ValueError("a damaged random state")
    return {
        "bit_generator": "MT19937",
        "state": {"key": key, "pos": whole_number("pos", found["pos"], 0, KEY, TrainingError)},
        "has_gauss": whole_number("has_gauss", found["has_gauss"], 0, 1, TrainingError),
        "gauss": _figure(found["gauss"]),
    }


def _window(found: Any) -> int | None:
    return None if found is None else whole_number("window", found, 1, None, TrainingError)


def _texts(found: Any) -> dict[str, str | None]:
    return {name: None if value is None else _text(value) for name, value in found.items()}


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError(f"{type(found).__name__} instead of a text")
    return found
