"""Writes rows with labels in every format that blocks read."""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

COLUMNS, LISTS, FIXED_LISTS, BYTES, PICTURES = (
    "columns",
    "lists",
    "fixed lists",
    "bytes",
    "pictures",
)
T = TypeVar("T")
FORMS = (COLUMNS, LISTS, FIXED_LISTS, BYTES)


def pickled(value: T) -> T:
    """Return a copy that was sent to another process and back."""
    copy: T = pickle.loads(pickle.dumps(value))  # noqa: S301 - our own
    return copy


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return a grey PNG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def table(X: npt.NDArray[Any], y: npt.ArrayLike, form: str = COLUMNS) -> pa.Table:
    """Return rows and labels as a table of Arrow."""
    features = X.shape[1]
    columns: dict[str, Any] = {}
    if form == COLUMNS:
        columns = {f"f{j}": pa.array(X[:, j]) for j in range(features)}
    elif form == LISTS:
        columns["row"] = pa.array(list(X), pa.list_(pa.from_numpy_dtype(X.dtype)))
    elif form == FIXED_LISTS:
        columns["row"] = pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), features)
    elif form == BYTES:
        kind = pa.binary(features)
        columns["row"] = pa.array([row.tobytes() for row in X.astype(np.uint8)], kind)
    elif form == PICTURES:
        side = int(features**0.5)
        columns["image"] = [
            {"bytes": png(row.reshape(side, side)), "path": f"/nowhere/{i}.png"}
            for i, row in enumerate(X)
        ]
    return pa.table(columns | {"label": pa.array(np.asarray(y))})


def write_parquet(
    path: Path,
    X: npt.NDArray[Any],
    y: npt.ArrayLike,
    form: str = COLUMNS,
    group: int | None = None,
    **options: Any,
) -> Path:
    """Write a Parquet file with row groups of so many rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table(X, y, form), path, row_group_size=group or max(1, len(X)), **options)
    return path


def write_arrow(
    path: Path,
    X: npt.NDArray[Any],
    y: npt.ArrayLike,
    form: str = COLUMNS,
    batch: int | None = None,
    **options: Any,
) -> Path:
    """Write record batches of so many rows; a stream if the name ends with .arrows."""
    found = table(X, y, form)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = pa.ipc.new_stream if path.suffix == ".arrows" else pa.ipc.new_file
    with new(str(path), found.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(found, max_chunksize=batch)
    return path


def write_feather(path: Path, X: npt.NDArray[Any], y: npt.ArrayLike) -> Path:
    """Write Feather as pandas does."""
    pyarrow.feather.write_feather(table(X, y), str(path), chunksize=5)
    return path


def write_csv(path: Path, X: npt.NDArray[Any], y: npt.ArrayLike, name: str = "f{}") -> Path:
    """Write a CSV file."""
    import gzip

    path.parent.mkdir(parents=True, exist_ok=True)
    header = ",".join([*(name.format(j) for j in range(X.shape[1])), "label"])
    lines = [
        ",".join([*map(repr, row), str(label)])
        for row, label in zip(X.tolist(), np.asarray(y).tolist(), strict=True)
    ]
    content = "\n".join([header, *lines, ""]).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_npz(path: Path, **arrays: Any) -> Path:
    """Write an archive of arrays as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def write_idx(folder: Path, prefix: str, X: npt.NDArray[np.uint8], y: npt.ArrayLike) -> None:
    """Write images and labels as MNIST's files."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = np.asarray(y, np.uint8)
    for name, array in (
        (f"{prefix}-images-idx3-ubyte", X),
        (f"{prefix}-labels-idx1-ubyte", labels),
    ):
        sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
        (folder / name).write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())


class Counted:
    """A reader that counts how often each leaf is read."""

    in_processes = False

    def __init__(self, reader):
        self.reader, self.reads = reader, []

    def read(self, leaf):
        self.reads.append(leaf)
        return self.reader.read(leaf)
