"""Model files as safetensors: four arrays, and JSON that describes them.

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
    PARAMETER_NAMES,
    TensorFile,
    header_length,
)
from handgrad.model import Model
from handgrad.network import Network
from handgrad.quoting import named

if TYPE_CHECKING:
    import os

    import numpy.typing as npt

    from handgrad.estimator import MLPClassifier

FORMAT_VERSION = 2  # version 1 has no names of features and of the label column
ARRAYS: dict[str, dict[str, str]] = {
    "network": {},
    "model": model_file.ARRAYS,
    "estimator": estimator_file.ARRAYS,
}


def save(model: Network | MLPClassifier, path: str | os.PathLike[str]) -> None:
    """Write a network, a model or a classifier to a safetensors file, whole or not at all.

    Parameters
    ----------
    model : Network, Model or MLPClassifier
        For a `handgrad.model.Model`, the file also has its names, scaling and training settings.
        For a fitted `handgrad.MLPClassifier`, it has the parameters, classes, feature names,
        figures and history, but neither ``on_iteration`` nor the moments that `partial_fit` needs
        to continue.
    path : path

    Raises
    ------
    WriteError
        If the file cannot be written.
    ModelFileError
        If this is not a model, if its output is logistic, or if its settings are not JSON or exceed
        the 64 kB of a header.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> save(Network.initial(features=4, hidden=3, classes=2), path)
    >>> load(path)
    Network(4 features, 3 hidden units, 2 classes, float32)
    """
    from safetensors.numpy import save as to_bytes

    if not isinstance(model, Network) and not estimator_file.is_classifier(model):
        raise ModelFileError(
            f"A {type(model).__name__} of {type(model).__module__} cannot be saved; expected a "
            "Network or a fitted handgrad.MLPClassifier."
        )
    network, description, others = _described(model)
    if network.output != "softmax":  # the format does not name the output
        raise ModelFileError(
            f"A file cannot hold a network with a {network.output} output; "
            "expected softmax: save network.as_softmax()."
        )
    arrays = dict(zip(PARAMETER_NAMES, network.parameters, strict=True)) | others
    text = _as_json(description)
    content = to_bytes(arrays, metadata={METADATA: text})
    if header_length(content[:8]) > LARGEST_HEADER:
        raise ModelFileError(
            f"{named(path)} would need a header of more than {LARGEST_HEADER // 1024} kB; "
            "expected shorter settings."
        )
    write_atomically(path, content)


def load(path: str | os.PathLike[str]) -> Any:
    """Read what `save` wrote.

    Parameters
    ----------
    path : path

    Returns
    -------
    Network, Model or MLPClassifier
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
    network = file.network(tensors)
    try:
        if kind == "model":
            return model_file.build(network, description, others)
        if kind == "estimator":
            return estimator_file.build(network, description, others)
    except ModelFileError:
        raise
    except DAMAGES as error:
        what = "classifier" if kind == "estimator" else kind
        raise file.fault(f"does not describe a {what} ({named(error)}); save it again.") from error
    return network


def _described(
    model: Network | MLPClassifier,
) -> tuple[Network, dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return the network of a model, its description for JSON, and further arrays."""
    version = {"format_version": FORMAT_VERSION}
    if isinstance(model, Model):
        description, others = model_file.describe(model)
        return model, version | {"kind": "model"} | description, others
    if isinstance(model, Network):
        return model, version | {"kind": "network"}, {}
    network = model.network()  # raises an error if the classifier is not fitted
    description, others = estimator_file.describe(model)
    return network, version | {"kind": "estimator"} | description, others


def _as_json(description: dict[str, Any]) -> str:
    try:
        return json.dumps(description)
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"The settings of the model cannot be written as JSON ({named(error)}); "
            "expected plain numbers, texts, lists and dicts in training."
        ) from error
