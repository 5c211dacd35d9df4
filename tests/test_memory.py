"""The memory of the machine is what its kernel says."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from handgrad.memory import memory

MEMINFO = Path("/proc/meminfo")


@pytest.mark.skipif(not MEMINFO.exists(), reason="only Linux has this file")
def test_it_is_what_the_kernel_says():
    found = re.search(r"^MemTotal: +(\d+) kB$", MEMINFO.read_text(encoding="ascii"), re.MULTILINE)
    assert found
    assert memory() == pytest.approx(int(found[1]) * 1024, rel=0.01)


@pytest.mark.parametrize("error", [AttributeError, ValueError, OSError])
def test_a_system_that_does_not_tell_has_enough(monkeypatch, error):
    def sysconf(_name):
        raise error

    monkeypatch.setattr(os, "sysconf", sysconf, raising=False)
    assert memory() == sys.maxsize
