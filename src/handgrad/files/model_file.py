"""The description of a `Model` in a file: settings as JSON, names as arrays of bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.model import Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from handgrad.network import Network

ARRAYS = {
    "class_names": "U8",  # JSON as bytes, because it may be too long for the header
    "feature_names": "U8",
}


def describe(model: Model) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return the settings of a model for JSON, and its names as arrays."""
    description = {
        "image_shape": model.image_shape and [int(size) for size in model.image_shape],
        "scaling": float(model.scaling),
        "pixels": model.pixels,
        "label": model.label,
        "training": dict(model.training),
    }
    arrays = {"class_names": as_bytes(model.class_names)}
    if model.feature_names is not None:
        arrays["feature_names"] = as_bytes(model.feature_names)
    return description, arrays


def build(
    network: Network, description: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]
) -> Model:
    """Rebuild the model; if anything is missing or wrong, raise an error, mostly a ValueError.

    Files of version 1 hold the class names in the settings, and bytes are always pixels.
    """
    is_first = description["format_version"] == 1
    shape, scaling = description["image_shape"], description["scaling"]
    if type(scaling) not in (int, float):
        raise TypeError(f"scaling is {type(scaling).__name__}")
    if not isinstance(description["training"], dict):
        raise TypeError("training is not an object")
    if shape is not None and not _are_sizes(shape):
        raise ValueError("image_shape is not a list of two sizes")
    names = description["class_names"] if is_first else from_bytes(arrays["class_names"])
    if not isinstance(names, list):
        raise TypeError("class_names is not a list")
    features = arrays.get("feature_names")
    return Model.of(
        network,
        class_names=tuple(names),
        image_shape=shape and tuple(shape),
        scaling=float(scaling),
        training=description["training"],
        pixels=True if is_first else description["pixels"],
        feature_names=None if features is None else tuple(from_bytes(features)),
        label=None if is_first else description["label"],
    )


def as_bytes(values: Sequence[Any]) -> npt.NDArray[np.uint8]:
    """Return a list as JSON, encoded as an array of bytes."""
    return np.frombuffer(json.dumps(list(values)).encode(), np.uint8)


def from_bytes(content: npt.NDArray[Any]) -> list[Any]:
    """Return the list that `as_bytes` wrote, or raise a ValueError or TypeError."""
    values = json.loads(content.tobytes())
    if not isinstance(values, list):
        raise TypeError("a list is missing")
    return values


def _are_sizes(shape: Any) -> bool:
    is_pair = isinstance(shape, list) and len(shape) == 2
    return is_pair and all(type(size) is int and size > 0 for size in shape)
