"""What is installed on this machine."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from handgrad import __version__
from handgrad.engines import available_engines, get_engine
from handgrad.engines.choice import WHY_NOT_NATIVE


def installation() -> dict[str, Any]:
    """Return versions, engine, instruction set and threads."""
    engine = get_engine("auto")
    facts = {
        "version": __version__,
        "engine": engine.name,
        "engines": available_engines(),
        "instruction_set": engine.instruction_set,
        "threads": engine.threads,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "safetensors": version("safetensors"),
        "platform": platform.platform(),
    }
    if WHY_NOT_NATIVE:
        facts["native_engine"] = f"not here: {WHY_NOT_NATIVE}"
    return facts
