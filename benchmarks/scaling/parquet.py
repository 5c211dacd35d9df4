"""Writes labelled pixels as a folder of Parquet files, in one of several layouts."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GROUP_ROWS = 8192  # rows of a row group
FILE_GROUPS = 32  # row groups of a file
SIDE = 28


def write_folder(
    folder: str | Path,
    chunks: Iterable[tuple[np.ndarray, np.ndarray]],
    layout: str = "binary",
    compression: str = "snappy",
) -> None:
    """Write each chunk of rows and labels as one row group, and begin a new file now and then."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    writer: Any = None
    for number, (X, y) in enumerate(chunks):
        table = pa.table({**LAYOUTS[layout](X), "label": pa.array(y.astype(np.int64))})
        if number % FILE_GROUPS == 0:
            if writer:
                writer.close()
            path = folder / f"part-{number // FILE_GROUPS:05}.parquet"
            writer = pq.ParquetWriter(
                path, table.schema, compression=compression, use_dictionary=["label"]
            )
        writer.write_table(table, row_group_size=len(y))
    if writer:
        writer.close()


def _binary(X: np.ndarray) -> dict[str, Any]:
    """Give each row as one value of D bytes."""
    return {"pixels": _fixed(X, pa.binary(X.shape[1]))}


def _fixed(X: np.ndarray, kind: Any) -> Any:
    return pa.FixedSizeBinaryArray.from_buffers(kind, len(X), [None, pa.py_buffer(X.tobytes())])


def _lists(X: np.ndarray) -> dict[str, Any]:
    """Give each row as a list of D numbers."""
    return {"pixels": pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), X.shape[1])}


def _columns(X: np.ndarray) -> dict[str, Any]:
    """Give each feature as a column."""
    return {f"p{j}": pa.array(column) for j, column in enumerate(np.ascontiguousarray(X.T))}


def _images(X: np.ndarray) -> dict[str, Any]:
    """Give each row as a PNG, as in the data sets of Hugging Face."""
    values = [{"bytes": _png(x), "path": None} for x in X]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return {"image": pa.array(values, kind)}


def _png(x: np.ndarray) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(x.reshape(SIDE, SIDE)).save(file, "PNG")
    return file.getvalue()


LAYOUTS: dict[str, Callable[[np.ndarray], dict[str, Any]]] = {
    "binary": _binary,
    "lists": _lists,
    "columns": _columns,
    "images": _images,
}


def decode(table: Any, layout: str) -> np.ndarray:
    """Return the pixels of a row group as a matrix, by pyarrow and Pillow alone."""
    if layout == "columns":
        columns = [table.column(name).to_numpy() for name in table.column_names[:-1]]
        return np.stack(columns, axis=1)
    column = table.column(0).combine_chunks()
    if layout == "images":
        return np.stack([_pixels(value["bytes"].as_py()) for value in column])
    if layout == "lists":
        return np.asarray(column.flatten()).reshape(len(table), -1)
    return np.frombuffer(column.buffers()[1], np.uint8).reshape(len(table), -1)


def _pixels(content: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(content))).ravel()
