"""Checkpoints: damage with a digest that matches it, and damage of the bytes."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load as from_bytes
from safetensors.numpy import save as to_bytes

from fuzz import mutations
from fuzz.model_files import FLOATS
from fuzz.scratch import scratch, written
from handgrad import Network, get_engine
from handgrad.errors import HandgradError
from handgrad.files.checkpoint import Checkpoint, digest_of, load_checkpoint, save_checkpoint
from handgrad.solvers import SOLVERS, Training, train

if TYPE_CHECKING:
    from random import Random

    from fuzz.outcome import Case

NAME = "checkpoint"
LARGE_IS_ASKED = False
ROWS = np.random.default_rng(0).random((12, 4)), np.arange(12) % 3


def draw(random: Random) -> Case:
    """Make a checkpoint with damage in it."""
    return {"files": {"run.checkpoint": damaged_checkpoint(random)}}


def run(case: Case) -> None:
    """Load the checkpoint; what loads can be saved again, and continues or is refused."""
    checkpoint = load_checkpoint(written(case["files"]) / "run.checkpoint")
    try:
        _save_again(checkpoint)
    except HandgradError as error:
        raise AssertionError(f"a checkpoint that loads and cannot be saved: {error}") from error
    training, state = checkpoint.training, checkpoint.state
    settings = training.settings | {training.unit: state.iterations + 2}
    with np.errstate(all="ignore"):
        train(state.network, *ROWS, engine=get_engine(threads=1), start=state, **settings)


def _save_again(checkpoint: Checkpoint) -> None:
    again = scratch() / "again.checkpoint"
    save_checkpoint(checkpoint, again)
    first = again.read_bytes()
    save_checkpoint(load_checkpoint(again), again)
    assert again.read_bytes() == first, "a checkpoint that changes when it is saved again"


def damaged_checkpoint(random: Random) -> bytes:
    """Damage the checkpoint of a solver."""
    content = random.choice(valid_checkpoints())
    if random.random() < 0.1:
        return mutations.damage(random, content)
    length = int.from_bytes(content[:8], "little")
    description = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["handgrad"])
    arrays = dict(sorted(from_bytes(content).items()))  # safetensors keeps no order
    if random.random() < 0.6:
        description = mutations.damage_json(random, description, 2)
    if random.random() < 0.5:
        _damage_an_array(random, arrays)
    if isinstance(description, dict) and random.random() < 0.98:
        description.pop("digest", None)
        contents = {name: array.tobytes() for name, array in arrays.items()}
        description["digest"] = digest_of(description, contents)
    return to_bytes(arrays, metadata={"handgrad": json.dumps(description)})


def _damage_an_array(random: Random, arrays: dict[str, Any]) -> None:
    """Remove, rename, lengthen or retype an array, or put odd numbers into it."""
    name = random.choice(list(arrays))
    array, how = arrays.pop(name), random.random()
    if how < 0.1:
        return
    if how < 0.2:
        name = random.choice([*arrays, "spare", "first.W3", "best."])
    elif how < 0.3:
        array = np.resize(array, random.choice([0, 1, 5, (3, 4), (4, 3), (1, 1, 1)]))
    elif how < 0.4:
        array = array.astype(random.choice(["f4", "f8", "i8", "u4", "u1"]))
    elif array.dtype.kind == "f":
        array = array.copy()
        with np.errstate(over="ignore"):
            array.flat[random.randrange(array.size)] = np.float64(random.choice(FLOATS))
    else:
        array = array.copy()
        array.flat[random.randrange(array.size)] = mutations.number(random, array.itemsize) % 2**31
    arrays[name] = array


@cache
def valid_checkpoints() -> list[bytes]:
    """Write one checkpoint of each solver."""
    path, files = scratch() / "valid.checkpoint", []
    network = Network.initial(features=4, hidden=3, classes=3)
    for solver in SOLVERS:
        training = Training(solver)
        settings: dict[str, Any] = {"solver": solver, training.unit: 3}
        state = train(network, *ROWS, engine=get_engine(threads=1), **settings).state
        job = {"source": "flowers.csv", "test": None, "label": "label", "initial": "he"}
        by = {"engine": "native", "instruction_set": "avx2", "handgrad": "0.1.0"}
        save_checkpoint(
            Checkpoint(
                state=state, training=training, job=job, fingerprint="12x4 a", computed_by=by
            ),
            path,
        )
        files.append(path.read_bytes())
    return files
