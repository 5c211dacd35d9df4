"""How fast pyarrow and handgrad read labelled pixels from each Parquet layout."""

from __future__ import annotations

import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from handgrad import data
from scaling.parquet import GROUP_ROWS, LAYOUTS, decode, write_folder
from scaling.shifted import shifted_digits

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


def layout_speeds(X: np.ndarray, y: np.ndarray, rows: int, rounds: int) -> list[dict[str, Any]]:
    """Measure, for each layout, the rows per second that one thread of pyarrow decodes.

    Also the rows per second of a pass over `Blocks`, which read ahead, and the size of the files.
    """
    with tempfile.TemporaryDirectory() as folder:
        for layout in LAYOUTS:
            place = Path(folder) / layout
            write_folder(place, shifted_digits(X, y, rows, chunk=GROUP_ROWS), layout)
        places = {layout: Path(folder) / layout for layout in LAYOUTS}
        straight: dict[str, list[float]] = {layout: [] for layout in LAYOUTS}
        in_blocks: dict[str, list[float]] = {layout: [] for layout in LAYOUTS}
        for _ in range(rounds):
            for layout, place in places.items():
                straight[layout].append(_seconds(partial(_decode_folder, place, layout)))
                blocks = data.open_blocks(str(place))
                in_blocks[layout].append(_seconds(partial(_pass_over, blocks)))
        return [
            {
                "layout": layout,
                "pyarrow_rows_per_second": rows / statistics.median(straight[layout]),
                "blocks_rows_per_second": rows / statistics.median(in_blocks[layout]),
                "bytes_per_row": sum(path.stat().st_size for path in place.iterdir()) / rows,
            }
            for layout, place in places.items()
        ]


def _decode_folder(folder: Path, layout: str) -> None:
    for path in sorted(folder.iterdir()):
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            decode(file.read_row_group(group, use_threads=False), layout)


def _pass_over(blocks: Any) -> None:
    for _ in data.blocks.read_ahead(blocks, range(len(blocks))):
        pass


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
