"""Files for the inputs, in memory where the system has such a folder."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there has a name that nobody can guess


@cache
def root() -> Path:
    """Return a folder that lasts as long as this process; those that it forks share it."""
    folder = tempfile.mkdtemp(prefix="handgrad-fuzz-", dir=MEMORY if MEMORY.is_dir() else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def scratch() -> Path:
    """Return a folder of this process alone."""
    folder = root() / str(os.getpid())
    folder.mkdir(exist_ok=True)
    return folder


def written(files: Mapping[str, bytes]) -> Path:
    """Write files into an empty folder, and return it; a name may lead into subfolders."""
    folder = scratch() / "input"
    for path in folder.iterdir() if folder.is_dir() else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / name
        if "/" in name:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
