"""Models as safetensors: four arrays, and JSON that says what they mean.

Loading runs no code: the arrays are plain numbers, the metadata is JSON, and both are checked.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import estimator_file
from handgrad.atomic import write_atomically
from handgrad.errors import ModelFileError, ShapeError
from handgrad.model import Model
from handgrad.network import Network

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from handgrad.estimator import MLPClassifier

FORMAT_VERSION = 1
LARGEST_HEADER = 64 * 1024
PARAMETER_NAMES = ("W1", "b1", "W2", "b2")


def save(model: Network | MLPClassifier, path: str | os.PathLike[str]) -> None:
    """Write a network, a model or a classifier to a safetensors file, whole or not at all.

    Parameters
    ----------
    model : Network, Model or MLPClassifier
        A `handgrad.model.Model` keeps its names, scaling and training settings as well; a fitted
        `handgrad.MLPClassifier` its parameters, classes, feature names, figures and history, but
        neither ``on_iteration`` nor the moments with which `partial_fit` would go on.
    path : path

    Raises
    ------
    WriteError
        If the file cannot be written.
    ModelFileError
        If names and settings take more than the 64 kB that a header may have, or this is no
        model.

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
    network = model if isinstance(model, Network) else model.network()
    arrays = dict(zip(PARAMETER_NAMES, network.parameters, strict=True))
    description = _description(network)
    if not isinstance(model, Network):
        said, others = estimator_file.describe(model)
        arrays |= others
        description |= {"kind": "estimator", **said}
    content = to_bytes(arrays, metadata={"handgrad": json.dumps(description)})
    if _header_length(content[:8]) > LARGEST_HEADER:
        raise ModelFileError(
            f"{path} would need a header of more than {LARGEST_HEADER // 1024} kB; "
            "expected fewer or shorter class names."
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
        What was saved, bit for bit.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, foreign, a pickle, or of a newer format.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    _check_header(path)
    try:
        with safe_open(path, framework="numpy") as file:
            description = _parse_description(path, file.metadata())
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            others = (
                _others(path, slices, file.get_tensor) if description["kind"] == "estimator" else {}
            )
            _check_tensors(path, slices)
            arrays = [file.get_tensor(name) for name in PARAMETER_NAMES]
    except (SafetensorError, OSError) as error:
        raise ModelFileError(
            f"{path} is damaged ({error}); expected a whole safetensors file: save it again."
        ) from error
    if not all(np.isfinite(array).all() for array in arrays):
        raise ModelFileError(f"{path} holds weights that are NaN or infinite; train it again.")
    try:
        if description["kind"] == "estimator":
            return estimator_file.build(Network(*arrays), description, others)
        return _build(arrays, description)
    except ShapeError as error:
        raise ModelFileError(f"{path} does not hold a two-layer network: {error}") from error


def _description(model: Network) -> dict[str, Any]:
    description: dict[str, Any] = {"format_version": FORMAT_VERSION, "kind": "network"}
    if isinstance(model, Model):
        description |= {
            "kind": "model",
            "class_names": list(model.class_names),
            "image_shape": model.image_shape,
            "scaling": model.scaling,
            "training": dict(model.training),
        }
    return description


def _build(arrays: list[Any], description: dict[str, Any]) -> Network:
    W1, b1, W2, b2 = arrays
    if description["kind"] == "network":
        return Network(W1, b1, W2, b2)
    return Model(
        W1,
        b1,
        W2,
        b2,
        class_names=tuple(description["class_names"]),
        image_shape=description["image_shape"] and tuple(description["image_shape"]),
        scaling=float(description["scaling"]),
        training=description["training"],
    )


def _header_length(first_bytes: bytes) -> int:
    return int.from_bytes(first_bytes, "little")


def _check_header(path: Path) -> None:
    """Refuse what is no safetensors file before the library reads it."""
    try:
        if not path.is_file():
            kinds = {path.is_dir(): "is a folder", not path.exists(): "does not exist"}
            found = kinds.get(True, "is no regular file")
            raise ModelFileError(f"{path} {found}; expected a model that `handgrad train` wrote.")
        with path.open("rb") as file:
            start = file.read(9)
            size = path.stat().st_size
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    if start[8:] != b"{" or _header_length(start[:8]) + 8 > size:
        if start[:1] == b"\x80" or start[:4] == b"PK\x03\x04":
            raise ModelFileError(
                f"{path} looks like a pickle or an archive; expected safetensors, "
                "since loading a pickle can run code."
            )
        raise ModelFileError(
            f"{path} is not a whole safetensors file; expected a model that `handgrad train` wrote."
        )
    if _header_length(start[:8]) > LARGEST_HEADER:
        raise ModelFileError(
            f"{path} has a header of {_header_length(start[:8]):,} bytes; "
            f"expected at most {LARGEST_HEADER:,}."
        )


def _others(path: Path, slices: dict[str, Any], read: Callable[[str], Any]) -> dict[str, Any]:
    """Take out of a classifier's arrays those that are no parameters."""
    parts = {name: slices.pop(name) for name in estimator_file.ARRAYS if name in slices}
    for name, part in parts.items():
        if part.get_dtype() != estimator_file.ARRAYS[name] or len(part.get_shape()) != 1:
            raise ModelFileError(f"{path} has a damaged array {name}; save it again.")
    return {name: read(name) for name in parts}


def _check_tensors(path: Path, slices: dict[str, Any]) -> None:
    if set(slices) != set(PARAMETER_NAMES):
        raise ModelFileError(
            f"{path} holds the arrays {', '.join(sorted(slices)) or 'none'}; "
            f"expected {', '.join(PARAMETER_NAMES)}."
        )
    types = {part.get_dtype() for part in slices.values()}
    if types not in ({"F32"}, {"F64"}):
        raise ModelFileError(
            f"{path} holds arrays of type {', '.join(sorted(types))}; expected all F32 or all F64."
        )


def _parse_description(path: Path, metadata: dict[str, str] | None) -> dict[str, Any]:
    if not metadata or "handgrad" not in metadata:
        raise ModelFileError(
            f"{path} is a safetensors file of another program; "
            "expected a model that `handgrad train` wrote."
        )
    try:
        description = json.loads(metadata["handgrad"])
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} has metadata that is not JSON; save it again.") from error
    version = description.get("format_version") if isinstance(description, dict) else None
    if type(version) is int and version > FORMAT_VERSION:
        raise ModelFileError(
            f"{path} has format version {version}; this handgrad reads up to {FORMAT_VERSION}: "
            "upgrade handgrad."
        )
    if version != FORMAT_VERSION or not _is_complete(description):
        raise ModelFileError(
            f"{path} has damaged metadata; expected what handgrad writes: save it again."
        )
    return dict(description)


def _is_complete(description: dict[str, Any]) -> bool:
    if description.get("kind") in ("network", "estimator"):  # build() checks the latter
        return True
    names, shape = description.get("class_names"), description.get("image_shape")
    scaling: Any = description.get("scaling")
    return (
        description.get("kind") == "model"
        and isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and (shape is None or (_is_list_of_sizes(shape) and len(shape) == 2))
        and type(scaling) in (int, float)
        and math.isfinite(scaling)
        and isinstance(description.get("training"), dict)
    )


def _is_list_of_sizes(value: object) -> bool:
    return isinstance(value, list) and all(type(size) is int and size > 0 for size in value)
