"""What is installed here."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from handgrad import __version__
from handgrad.engines import ENGINE_NAMES, get_engine


def installation() -> dict[str, Any]:
    """Return versions, engine, instruction set and threads.

    Examples
    --------
    >>> installation()["engines"]
    ['reference']
    """
    engine = get_engine("auto")
    return {
        "version": __version__,
        "engine": engine.name,
        "engines": [name for name in ENGINE_NAMES if name != "auto"],
        "instruction_set": engine.instruction_set,
        "threads": engine.threads,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "safetensors": version("safetensors"),
        "platform": platform.platform(),
    }
