"""How fast pyarrow and handgrad read labelled pixels from each Parquet layout."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from handgrad import data
from scaling.parquet import GROUP_ROWS, LAYOUTS, decode, write_folder
from scaling.shifted import shifted_digits

if TYPE_CHECKING:
    from collections.abc import Callable


def layout_speeds(X: np.ndarray, y: np.ndarray, rows: int, rounds: int) -> list[dict[str, Any]]:
    """Measure, for each layout, the rows per second that one thread of pyarrow decodes.

    Also the rows per second of a pass over `Blocks`, which read ahead, and the size of the files.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for layout in LAYOUTS:
            place = Path(folder) / layout
            write_folder(place, shifted_digits(X, y, rows, chunk=GROUP_ROWS), layout)
        seconds = {layout: ([], []) for layout in LAYOUTS}
        for _ in range(rounds):
            for layout, (straight, in_blocks) in seconds.items():
                place = Path(folder) / layout
                straight.append(_seconds(lambda at=place, how=layout: _decode_folder(at, how)))
                blocks = data.open_blocks(str(place))
                in_blocks.append(_seconds(lambda of=blocks: _pass_over(of)))
        for layout, times in seconds.items():
            bytes_on_disk = sum(p.stat().st_size for p in (Path(folder) / layout).iterdir())
            straight, in_blocks = (rows / statistics.median(part) for part in times)
            found.append(
                {
                    "layout": layout,
                    "pyarrow_rows_per_second": straight,
                    "blocks_rows_per_second": in_blocks,
                    "bytes_per_row": bytes_on_disk / rows,
                }
            )
    return found


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
