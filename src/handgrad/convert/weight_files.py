"""Files of weights that PyTorch's users write: safetensors, and pickles without code."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import ConversionError, MissingPackageError
from handgrad.files.tensor_file import METADATA, NUMBERS, TensorFile
from handgrad.quoting import named, quoted

if TYPE_CHECKING:
    import os

    from handgrad.files.tensor_file import Tensor

SUFFIX = ".safetensors"


def read_weights(path: str | os.PathLike[str]) -> Mapping[Any, Any]:
    """Return the state dict of a file: arrays of a safetensors file, otherwise PyTorch's tensors.

    Raises
    ------
    ConversionError
        If the file is missing, damaged, or holds something else.
    MissingPackageError
        If the file needs PyTorch, and PyTorch is not installed.
    """
    path = Path(path)
    return _of_safetensors(path) if path.suffix == SUFFIX else _of_torch(path)


def _of_safetensors(path: Path) -> dict[str, Any]:
    file = TensorFile(
        path,
        "state dict",
        "a safetensors file with the weights and biases of a network",
        "save it again",
        ConversionError,
    )
    tensors, metadata = file.read()
    if metadata and METADATA in metadata:
        raise file.fault("is a file of handgrad; expected PyTorch's weights: use handgrad.load.")
    return {name: _array(file, name, tensor) for name, tensor in tensors.items()}


def _array(file: TensorFile, name: str, tensor: Tensor) -> Any:
    if tensor.dtype == "F16":
        return np.frombuffer(tensor.content, "<f2").reshape(tensor.shape)
    if tensor.dtype == "BF16":  # the upper half of a float32
        upper = np.frombuffer(tensor.content, "<u2").astype(np.uint32)
        return (upper << 16).view(np.float32).reshape(tensor.shape)
    if tensor.dtype not in NUMBERS:
        raise file.fault(
            f"holds {quoted(name)} of type {named(tensor.dtype)}; "
            "expected floating numbers of 16, 32 or 64 bits."
        )
    return tensor.array()


def _of_torch(path: Path) -> Mapping[Any, Any]:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"{named(path)} needs PyTorch, which is not installed; install it, or save the state "
            f"dict with safetensors, under a name that ends in {SUFFIX}."
        ) from error
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice for other ways to load
            found = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ConversionError(
            f"{named(path)} cannot be read: {error.strerror or error}."
        ) from error
    except Exception as error:  # a damaged file may raise any error, and torch advises risks
        raise ConversionError(
            f"{named(path)} does not hold tensors alone ({type(error).__name__}); expected what "
            "torch.save(module.state_dict(), path) writes."
        ) from error
    if not isinstance(found, Mapping):
        raise ConversionError(
            f"{named(path)} holds a {type(found).__name__}; expected the state dict of a network."
        )
    return found
