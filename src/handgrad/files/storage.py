"""Model files as safetensors: weights and biases, and JSON that describes them.

`handgrad.files.tensor_file` checks what it reads.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handgrad.errors import ModelFileError
from handgrad.files import estimator_file, model_file
from handgrad.files.atomic import write_atomically
from handgrad.files.tensor_file import (
    DAMAGES,
    LARGEST_HEADER,
    METADATA,
    Tensor,
    TensorFile,
    by_name,
    header_length,
)
from handgrad.model import Model
from handgrad.network import Network
from handgrad.quoting import named

if TYPE_CHECKING:
    import os

    import numpy.typing as npt

    from handgrad.files.estimator_file import Estimator

NOTES_VERSION = 2  # for the notes' network, so that older programs read it
FORMAT_VERSION = 3  # the newest: it names each layer's activation and the output
ARRAYS: dict[str, dict[str, str]] = {
    "network": {},
    "model": model_file.ARRAYS,
    "estimator": estimator_file.ARRAYS,
}


def save(model: Network | Estimator, path: str | os.PathLike[str]) -> None:
    """Write a network, a model or an estimator to a safetensors file, whole or not at all.

    Parameters
    ----------
    model : Network, Model, MLPClassifier or MLPRegressor
        For a `handgrad.model.Model`, the file also has its names, scaling and training settings.
        For a fitted estimator of handgrad, it has the parameters, classes, feature names,
        figures and history, but no functions, such as ``on_iteration``, and not the moments that
        `partial_fit` needs to continue.
    path : path

    Raises
    ------
    WriteError
        If the file cannot be written.
    ModelFileError
        If this is not a model, or if its settings are not JSON or exceed the 64 kB of a header.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> save(Network.initial(features=4, hidden=3, classes=2), path)
    >>> load(path)
    Network(4 features, 3 hidden units, 2 classes, float32)
    """
    from safetensors.numpy import save as to_bytes

    if not isinstance(model, Network) and not estimator_file.is_estimator(model):
        raise ModelFileError(
            f"A {type(model).__name__} of {type(model).__module__} cannot be saved; expected a "
            "Network or a fitted estimator of handgrad: handgrad.convert makes models of "
            "scikit-learn's and PyTorch's networks."
        )
    network, description, others = _described(model)
    arrays = by_name(network.parameters) | others
    text = _as_json(description)
    content = to_bytes(arrays, metadata={METADATA: text})
    if header_length(content[:8]) > LARGEST_HEADER:
        raise ModelFileError(
            f"{named(path)} would need a header of more than {LARGEST_HEADER // 1024} kB; "
            f"expected shorter settings, or fewer layers than {len(network.layers):,}."
        )
    write_atomically(path, content)


def load(path: str | os.PathLike[str]) -> Any:
    """Read what `save` wrote.

    Parameters
    ----------
    path : path

    Returns
    -------
    Network, Model, MLPClassifier or MLPRegressor
        The saved model, bit for bit.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, from another program, a pickle, or of a newer format.
    """
    file = TensorFile(
        Path(path),
        "model",
        "a model that `handgrad train` wrote",
        "save it again",
        ModelFileError,
    )
    tensors, metadata = file.read()
    description = file.description(metadata)
    kind = description.get("kind")
    if kind == "checkpoint":
        raise file.fault(
            "is a checkpoint; expected a model: continue the run with "
            "`handgrad train --resume`, which writes one."
        )
    file.check_version(description, FORMAT_VERSION)
    if not isinstance(kind, str) or kind not in ARRAYS:
        raise file.damaged_metadata()
    others = file.others(tensors, ARRAYS[kind])
    network = _network(file, tensors, description)
    try:
        if kind == "model":
            return model_file.build(network, description, others)
        if kind == "estimator":
            return estimator_file.build(network, description, others)
    except ModelFileError:
        raise
    except DAMAGES as error:
        what = "an estimator" if kind == "estimator" else f"a {kind}"
        raise file.fault(f"does not describe {what} ({named(error)}); save it again.") from error
    return network


def _described(
    model: Network | Estimator,
) -> tuple[Network, dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return the network of a model, its description for JSON, and further arrays."""
    if isinstance(model, Model):
        description, others = model_file.describe(model)
        return model, _with_format(model) | {"kind": "model"} | description, others
    if isinstance(model, Network):
        return model, _with_format(model) | {"kind": "network"}, {}
    network = model.network()  # raises an error if the estimator is not fitted
    description, others = estimator_file.describe(model)
    known = _with_format(network, is_later=estimator_file.is_later(description, others))
    return network, known | {"kind": "estimator"} | description, others


def _with_format(network: Network, *, is_later: bool = False) -> dict[str, Any]:
    """Return the version of the format, with what only the newest one says of a network."""
    if network.is_of_the_notes and not is_later:
        return {"format_version": NOTES_VERSION}
    activations = [layer.activation for layer in network.layers[:-1]]
    return {
        "format_version": FORMAT_VERSION,
        "activations": activations,  # of the hidden layers
        "output": network.output,
    }


def _network(file: TensorFile, tensors: dict[str, Tensor], description: dict[str, Any]) -> Network:
    if description["format_version"] <= NOTES_VERSION:
        return file.network(tensors)
    return file.network(tensors, description.get("activations"), description.get("output"))


def _as_json(description: dict[str, Any]) -> str:
    try:
        return json.dumps(description)
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"The settings of the model cannot be written as JSON ({named(error)}); "
            "expected plain numbers, texts, lists and dicts in training."
        ) from error
