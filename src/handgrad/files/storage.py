"""Model files as safetensors: four arrays, and JSON that describes them.

Loading runs no code: the arrays are plain numbers, the metadata is JSON, and both are checked.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.errors import ModelFileError, ShapeError
from handgrad.files import estimator_file, model_file
from handgrad.files.atomic import write_atomically
from handgrad.model import Model
from handgrad.network import Network
from handgrad.quoting import named, shown

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import numpy.typing as npt

    from handgrad.estimator import MLPClassifier

FORMAT_VERSION = 2  # version 1 has no names of features and of the label column
LARGEST_HEADER = 64 * 1024
PARAMETER_NAMES = ("W1", "b1", "W2", "b2")
ARRAYS: dict[str, dict[str, str]] = {
    "network": {},
    "model": model_file.ARRAYS,
    "estimator": estimator_file.ARRAYS,
}
NUMBERS = {"F32": "<f4", "F64": "<f8", "U8": "u1"}
DAMAGES = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


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
    content = to_bytes(arrays, metadata={"handgrad": text})
    if _header_length(content[:8]) > LARGEST_HEADER:
        raise _fault(
            path,
            f"would need a header of more than {LARGEST_HEADER // 1024} kB; "
            "expected shorter settings.",
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
    path = Path(path)
    tensors, metadata = _read(path)
    description = _parse_description(path, metadata)
    kind = description["kind"]
    others = _others(path, tensors, ARRAYS[kind])
    network = _network(path, tensors)
    try:
        if kind == "model":
            return model_file.build(network, description, others)
        if kind == "estimator":
            return estimator_file.build(network, description, others)
    except ModelFileError:
        raise
    except DAMAGES as error:
        what = "classifier" if kind == "estimator" else kind
        raise _fault(
            path, f"does not describe a {what} ({named(error)}); save it again."
        ) from error
    return network


def _fault(path: Path | str | os.PathLike[str], sentence: str) -> ModelFileError:
    return ModelFileError(f"{named(path)} {sentence}")


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


def _header_length(first_bytes: bytes) -> int:
    return int.from_bytes(first_bytes, "little")


def _check_header(path: Path) -> int:
    """Return the length of the header; other files are refused before the library reads them."""
    try:
        if not path.is_file():
            kinds = {path.is_dir(): "is a folder", not path.exists(): "does not exist"}
            found = kinds.get(True, "is not a regular file")
            raise _fault(path, f"{found}; expected a model that `handgrad train` wrote.")
        with path.open("rb") as file:
            start = file.read(9)
            length, size = _header_length(start[:8]), path.stat().st_size
    except OSError as error:
        raise _fault(path, f"cannot be read: {error.strerror or error}.") from error
    if start[8:] != b"{" or length + 8 > size:
        if start[:1] == b"\x80" or start[:4] == b"PK\x03\x04":
            raise _fault(
                path,
                "looks like a pickle or an archive; expected safetensors, "
                "because loading a pickle can run code.",
            )
        raise _fault(
            path, "is not a whole safetensors file; expected a model that `handgrad train` wrote."
        )
    if length > LARGEST_HEADER:
        raise _fault(
            path, f"has a header of {length:,} bytes; expected at most {LARGEST_HEADER:,}."
        )
    return length


def _read(path: Path) -> tuple[dict[str, _Tensor], Any]:
    """Return the tensors of a safetensors file by their names, and its metadata.

    The file is read and not mapped, because a mapped file that shrinks would crash the process.
    """
    from safetensors import SafetensorError, deserialize

    length = _check_header(path)
    try:
        content = path.read_bytes()
        tensors = {
            name: _Tensor(tensor["dtype"], tuple(tensor["shape"]), tensor["data"])
            for name, tensor in deserialize(content)  # type: ignore[no-untyped-call]
        }
        header = json.loads(content[8 : 8 + length])
    except OSError as error:
        raise _fault(path, f"cannot be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise _fault(path, "does not fit into memory; expected a model.") from error
    except (SafetensorError, ValueError, RecursionError) as error:
        raise _fault(
            path, f"is damaged ({named(error)}); expected a whole safetensors file: save it again."
        ) from error
    return tensors, header.get("__metadata__")


class _Tensor(NamedTuple):
    """An array of a file, with its type in the notation of safetensors."""

    dtype: str
    shape: tuple[int, ...]
    content: bytes

    def array(self) -> npt.NDArray[Any]:
        return np.frombuffer(self.content, NUMBERS[self.dtype]).reshape(self.shape)


def _others(
    path: Path, tensors: dict[str, _Tensor], known: Mapping[str, str]
) -> dict[str, npt.NDArray[Any]]:
    """Remove the tensors that are not parameters, and return them as arrays."""
    parts = {name: tensors.pop(name) for name in known if name in tensors}
    for name, part in parts.items():
        if part.dtype != known[name] or len(part.shape) != 1:
            raise _fault(path, f"has a damaged array {name}; save it again.")
    return {name: part.array() for name, part in parts.items()}


def _network(path: Path, tensors: dict[str, _Tensor]) -> Network:
    if set(tensors) != set(PARAMETER_NAMES):
        raise _fault(
            path,
            f"holds the arrays {named(', '.join(sorted(tensors))) or 'none'}; "
            f"expected {', '.join(PARAMETER_NAMES)}.",
        )
    types = {tensor.dtype for tensor in tensors.values()}
    if types not in ({"F32"}, {"F64"}):
        raise _fault(
            path,
            f"holds arrays of type {named(', '.join(sorted(types)))}; expected all F32 or all F64.",
        )
    arrays = [tensors[name].array() for name in PARAMETER_NAMES]
    if not all(np.isfinite(array).all() for array in arrays):
        raise _fault(path, "holds weights that are NaN or infinite; train it again.")
    try:
        return Network(*arrays)
    except ShapeError as error:
        raise _fault(path, f"does not hold a two-layer network: {named(error)}") from error


def _parse_description(path: Path, metadata: dict[str, str] | None) -> dict[str, Any]:
    if not metadata or "handgrad" not in metadata:
        raise _fault(
            path,
            "is a safetensors file of another program; "
            "expected a model that `handgrad train` wrote.",
        )
    try:
        description = json.loads(metadata["handgrad"])
    except (ValueError, RecursionError) as error:
        raise _fault(path, "has metadata that is not JSON; save it again.") from error
    version = description.get("format_version") if isinstance(description, dict) else None
    if type(version) is int and version > FORMAT_VERSION:
        raise _fault(
            path,
            f"has format version {shown(version)}; this handgrad reads up to {FORMAT_VERSION}: "
            "upgrade handgrad.",
        )
    is_known = type(version) is int and version >= 1
    if not is_known or description.get("kind") not in tuple(ARRAYS):
        raise _fault(path, "has damaged metadata; expected what handgrad writes: save it again.")
    return dict(description)
