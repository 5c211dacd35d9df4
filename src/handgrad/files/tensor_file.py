"""Reads safetensors files of handgrad: arrays by their names, and JSON that describes them.

Nothing in a file is trusted. Reading one runs no code: the arrays are plain numbers, the metadata
is JSON, and both are checked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.errors import ShapeError
from handgrad.layers import ACTIVATIONS, Layer, real_parameters
from handgrad.network import OUTPUTS, Network
from handgrad.quoting import named, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from handgrad.errors import HandgradError
    from handgrad.network import Matrix

METADATA = "handgrad"  # the key of the description
LARGEST_HEADER = 64 * 1024
NUMBERS = {"F32": "<f4", "F64": "<f8", "U8": "u1", "U32": "<u4", "I64": "<i8"}
DAMAGES = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


class Tensor(NamedTuple):
    """An array of a file, with its type in the notation of safetensors."""

    dtype: str
    shape: tuple[int, ...]
    content: bytes

    def array(self) -> npt.NDArray[Any]:
        """Return the numbers, which cannot be written to."""
        return np.frombuffer(self.content, NUMBERS[self.dtype]).reshape(self.shape)


@dataclass(frozen=True)
class TensorFile:
    """A file that is expected to be one of handgrad's."""

    path: Path
    noun: str
    """What it should hold, such as "model"."""
    expected: str
    """The same at length, such as "a model that `handgrad train` wrote"."""
    remedy: str
    """What to do if it is damaged, such as "save it again"."""
    error: type[HandgradError]

    def fault(self, sentence: str) -> HandgradError:
        """Return an error about the file."""
        return self.error(f"{named(self.path)} {sentence}")

    def read(self) -> tuple[dict[str, Tensor], dict[str, str] | None]:
        """Return the tensors by their names, and the metadata.

        The file is read and not mapped, because a mapped file that shrinks would crash the process.
        """
        from safetensors import SafetensorError, deserialize

        length = self._check_header()
        try:
            content = self.path.read_bytes()
            tensors = {
                name: Tensor(tensor["dtype"], tuple(tensor["shape"]), tensor["data"])
                for name, tensor in deserialize(content)  # type: ignore[no-untyped-call]
            }
            header = json.loads(content[8 : 8 + length])
        except OSError as error:
            raise self.fault(f"cannot be read: {error.strerror or error}.") from error
        except MemoryError as error:
            raise self.fault(f"does not fit into memory; expected a {self.noun}.") from error
        except (SafetensorError, ValueError, RecursionError) as error:
            raise self.fault(
                f"is damaged ({named(error)}); expected a whole safetensors file: {self.remedy}."
            ) from error
        return tensors, header.get("__metadata__")

    def _check_header(self) -> int:
        """Return its length; other files are refused before the library reads them."""
        path = self.path
        try:
            if not path.is_file():
                kinds = {path.is_dir(): "is a folder", not path.exists(): "does not exist"}
                found = kinds.get(True, "is not a regular file")
                raise self.fault(f"{found}; expected {self.expected}.")
            with path.open("rb") as file:
                start = file.read(9)
                length, size = header_length(start[:8]), path.stat().st_size
        except OSError as error:
            raise self.fault(f"cannot be read: {error.strerror or error}.") from error
        if start[8:] != b"{" or length + 8 > size:
            if start[:1] == b"\x80" or start[:4] == b"PK\x03\x04":
                raise self.fault(
                    "looks like a pickle or an archive; expected safetensors, "
                    "because loading a pickle can run code."
                )
            raise self.fault(f"is not a whole safetensors file; expected {self.expected}.")
        if length > LARGEST_HEADER:
            raise self.fault(
                f"has a header of {length:,} bytes; expected at most {LARGEST_HEADER:,}."
            )
        return length

    def description(self, metadata: dict[str, str] | None) -> dict[str, Any]:
        """Return the JSON that describes the file."""
        if not metadata or METADATA not in metadata:
            raise self.fault(f"is a safetensors file of another program; expected {self.expected}.")
        try:
            description = json.loads(metadata[METADATA])
        except (ValueError, RecursionError) as error:
            raise self.fault(f"has metadata that is not JSON; {self.remedy}.") from error
        if not isinstance(description, dict):
            raise self.damaged_metadata()
        return description

    def check_version(self, description: Mapping[str, Any], newest: int) -> None:
        """Refuse a format of another version than from 1 to this one."""
        version = description.get("format_version")
        if type(version) is int and version > newest:
            raise self.fault(
                f"has format version {shown(version)}; this handgrad reads up to {newest}: "
                "upgrade handgrad."
            )
        if type(version) is not int or version < 1:
            raise self.damaged_metadata()

    def damaged_metadata(self) -> HandgradError:
        """Return the error that the metadata is not what handgrad writes."""
        return self.fault(f"has damaged metadata; expected what handgrad writes: {self.remedy}.")

    def others(
        self, tensors: dict[str, Tensor], known: Mapping[str, str]
    ) -> dict[str, npt.NDArray[Any]]:
        """Remove tensors of known names, which have one axis, and return them as arrays."""
        parts = {name: tensors.pop(name) for name in known if name in tensors}
        for name, part in parts.items():
            if part.dtype != known[name] or len(part.shape) != 1:
                raise self.fault(f"has a damaged array {name}; {self.remedy}.")
        return {name: part.array() for name, part in parts.items()}

    def network(
        self,
        tensors: Mapping[str, Tensor],
        activations: object = ("relu",),
        output: object = "softmax",
    ) -> Network:
        """Return a network from its tensors, after a check of every number.

        By default it is the network of the notes. The hidden layers have the ``activations``, which
        may be any JSON from the file, as may ``output``.
        """
        if not (
            isinstance(activations, list | tuple) and all(a in ACTIVATIONS for a in activations)
        ):
            raise self.fault(
                f"has the activations {shown(activations)}; expected a list of "
                f"{', '.join(ACTIVATIONS)}, one per hidden layer."
            )
        if output not in OUTPUTS:
            raise self.fault(
                f"has the output {shown(output)}; expected one of {', '.join(OUTPUTS)}."
            )
        names = parameter_names(len(activations) + 1)
        if set(tensors) != set(names):
            raise self.fault(
                f"holds the arrays {named(', '.join(sorted(tensors))) or 'none'}; "
                f"expected {named(', '.join(names))}."
            )
        types = {tensor.dtype for tensor in tensors.values()}
        if types not in ({"F32"}, {"F64"}):
            raise self.fault(
                f"holds arrays of type {named(', '.join(sorted(types)))}; "
                "expected all F32 or all F64."
            )
        arrays = [tensors[name].array() for name in names]
        if not all(np.isfinite(array).all() for array in arrays):
            raise self.fault("holds weights that are NaN or infinite; train it again.")
        try:
            return _network(arrays, [*activations, "identity"], output)
        except ShapeError as error:
            raise self.fault(f"does not hold a network: {named(error)}") from error


def parameter_names(layers: int) -> tuple[str, ...]:
    """Return the names of the arrays of a network with that many layers, in their order.

    Examples
    --------
    >>> parameter_names(3)
    ('W1', 'b1', 'W2', 'b2', 'W3', 'b3')
    """
    return tuple(f"{letter}{number}" for number in range(1, layers + 1) for letter in "Wb")


def by_name(parameters: Sequence[Matrix], prefix: str = "") -> dict[str, Matrix]:
    """Return weights and biases by their names, each with a prefix.

    Examples
    --------
    >>> list(by_name(Network.initial(hidden=()).parameters, "best."))
    ['best.W1', 'best.b1']
    """
    names = parameter_names(len(parameters) // 2)
    return {f"{prefix}{name}": array for name, array in zip(names, parameters, strict=True)}


def _network(arrays: Sequence[Matrix], activations: Sequence[Any], output: Any) -> Network:
    pairs = [
        real_parameters(W, b, str(number))  # its errors name the arrays as the file does
        for number, (W, b) in enumerate(zip(arrays[::2], arrays[1::2], strict=True), start=1)
    ]
    layers = [Layer(*pair, name) for pair, name in zip(pairs, activations, strict=True)]
    return Network.of_layers(layers, output)


def header_length(first_bytes: bytes) -> int:
    """Return the length of a header, which the first eight bytes of a file say."""
    return int.from_bytes(first_bytes, "little")
