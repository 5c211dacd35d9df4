"""Files of rows for blocks: tables of every form, cut into several files, and damaged."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzz import mutations
from fuzz.loading import TYPES, check_targets, draw_columns
from fuzz.scratch import written
from handgrad.data import open_blocks

if TYPE_CHECKING:
    from random import Random

    from fuzz.outcome import Case

NAME = "blocks"
LARGE_IS_ASKED = True  # Arrow allocates what a damaged header promises
M = 12
FORMS = ("columns", "lists", "fixed lists", "bytes", "pictures")
KINDS = ("parquet", "arrow", "arrows", "feather", "csv", "npz")
PACKINGS = ("none", "snappy", "zstd")
NUMBERS = [
    np.array([0, 1, 2] * (M // 3)),
    np.array([0.5, -1.0, 1e300] * (M // 3)),
    np.arange(2.0 * M).reshape(M, 2) % 2,
    np.arange(3.0 * M, dtype=np.float32).reshape(M, 3),
]
LABELS: list[list[Any]] = [
    [0, 1, 2],
    [0.0, 1.0, -2.0],
    ["a", "b", "é"],
    [True, False, True],
    [0.5, 1.0, 2.0],
    [None, 1, 2],
    ["", "a", "b"],
    [2**63 - 1, -(2**63), 0],
]


def draw(random: Random) -> Case:
    """Make one to three files, with damage in one of them."""
    kind = random.choice(KINDS)
    files = {}
    form, labels = random.choice(FORMS), random.randrange(len(LABELS))
    for i in range(random.choice((1, 1, 2, 3))):
        if random.random() < 0.05:
            form, labels = random.choice(FORMS), random.randrange(len(LABELS))
        files[f"{i}.{kind}"] = _file(kind, form, labels, random.choice(PACKINGS))
    if random.random() < 0.9:
        hit = random.choice(list(files))
        files[hit] = mutations.damage(random, files[hit])
    predicts, label, features = draw_columns(random, ("label", "label", "label", "f0", ""))
    return {
        "files": files,
        "leaf_rows": random.choice((1, 3, 5, 100)),
        "label": label,
        "predicts": predicts,
        "features": features,
    }


def run(case: Case) -> None:
    """Open the folder, and read all leaves twice."""
    folder = Path(written(case["files"]))
    predicts = case["predicts"]
    options = {name: case[name] for name in ("label", "predicts", "features", "leaf_rows")}
    blocks = open_blocks(folder, **options)
    assert blocks.features > 0
    assert blocks.dtype in TYPES
    assert len(set(blocks.class_names)) == blocks.outputs
    assert (len(blocks.classes) > 0) == (predicts == "classes")
    first = [blocks.read(leaf) for leaf in range(len(blocks))]
    for leaf in reversed(range(len(blocks))):
        X, y = blocks.read(leaf)
        assert X.shape == (blocks.sizes[leaf], blocks.features)
        assert np.isfinite(X).all()
        assert np.array_equal(X, first[leaf][0])
        assert np.array_equal(y, first[leaf][1])
        check_targets(y.copy(), len(X), blocks.class_names, predicts)
        counts = [len(y)]
        if predicts == "classes":
            counts = np.bincount(y, minlength=blocks.outputs).tolist()
        assert counts == blocks.counts[leaf].tolist()


@cache
def _file(kind: str, form: str, labels: int, packing: str) -> bytes:
    """Return a sound file; writing one takes longer than damaging it."""
    if kind == "npz":
        file = io.BytesIO()
        save = np.savez if packing == "none" else np.savez_compressed
        save(file, X=_rows(), y=NUMBERS[labels % len(NUMBERS)])
        return file.getvalue()
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    table = _table(form, labels)
    sink = pa.BufferOutputStream()
    if kind == "parquet":
        pyarrow.parquet.write_table(
            table,
            sink,
            row_group_size=5,
            compression=packing,
            write_page_checksum=packing == "zstd",
            use_dictionary=packing != "none",
        )
    elif kind == "csv":
        pyarrow.csv.write_csv(_table("columns", labels), sink)
    else:
        options = pa.ipc.IpcWriteOptions(compression="zstd" if packing == "zstd" else None)
        new = pa.ipc.new_stream if kind == "arrows" else pa.ipc.new_file
        with new(sink, table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=5)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _rows() -> np.ndarray:
    return np.arange(M * 4, dtype=np.uint8).reshape(M, 4)


def _table(form: str, labels: int) -> Any:
    import pyarrow as pa

    from row_files import table

    found = table(_rows(), np.zeros(M, np.int64), form)
    column = pa.array(LABELS[labels] * (M // 3))
    return found.set_column(found.schema.get_field_index("label"), "label", column)
