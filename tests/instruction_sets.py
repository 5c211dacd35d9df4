"""The native engine on each instruction set of this machine; skips tests where it was not built."""

from __future__ import annotations

import os
from unittest import mock

import pytest

from handgrad import get_engine

core = pytest.importorskip("handgrad.engines._native", exc_type=ImportError)

VARIABLE = "HANDGRAD_INSTRUCTION_SET"
every_instruction_set = pytest.mark.parametrize("instruction_set", core.instruction_sets())


def native(instruction_set, threads=1):
    """Return the engine as if the user had chosen the instruction set."""
    with mock.patch.dict(os.environ, {VARIABLE: instruction_set}):
        return get_engine("native", threads=threads)
