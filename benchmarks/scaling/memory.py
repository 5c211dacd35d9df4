"""The memory that `handgrad train` takes above its imports, against the number of rows."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from handgrad.data import Blocks
from scaling.parquet import SIDE
from scaling.sizes import folder_of
from whole import PROGRAMS

if TYPE_CHECKING:
    import numpy as np

WINDOW_BYTES = Blocks.window * 8192 * SIDE * SIDE
STEPS, EPOCH = ("--iterations", "3"), ("--solver", "adam", "--epochs", "1")


def bytes_above_imports(X: np.ndarray, y: np.ndarray, rows: int) -> dict[str, int]:
    """Train on so many rows by gd and by adam, which packs whole windows."""
    with folder_of(X, y, rows) as folder:
        command = [
            *(sys.executable, str(PROGRAMS / "training_memory.py"), "train", f"{folder}/rows"),
            *("--stream", "--json", "--out", f"{folder}/model.safetensors"),
        ]
        cached = [*command, "--cache", f"{folder}/cache"]
        return {
            "from Parquet": _bytes([*command, *STEPS]),
            "with a new cache": _bytes([*cached, *STEPS]),
            "with a full cache": _bytes([*cached, *STEPS]),
            "adam, from Parquet": _bytes([*command, *EPOCH]),
            "adam, with a full cache": _bytes([*cached, *EPOCH]),
        }


def _bytes(command: list[str]) -> int:
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(json.loads(printed)["above"])
