"""The memory of the machine is what its kernel says."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from handgrad.memory import free_memory, memory

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


@pytest.mark.skipif(not MEMINFO.exists(), reason="only Linux has this file")
def test_less_memory_is_free_than_there_is():
    assert 0 < free_memory() <= memory() * 1.01


def test_free_memory_is_what_the_kernel_calls_available(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   7 kB\n", encoding="ascii")
    monkeypatch.setattr("handgrad.memory.MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr("handgrad.memory.LIMITS", ())
    assert free_memory() == 7 * 1024


@pytest.mark.parametrize(("limit", "expected"), [("4096\n", 4096), ("max\n", 7 * 1024)])
def test_a_container_has_no_more_than_its_limit(tmp_path, monkeypatch, limit, expected):
    (tmp_path / "meminfo").write_text("MemAvailable: 7 kB\n", encoding="ascii")
    (tmp_path / "memory.max").write_text(limit, encoding="ascii")
    monkeypatch.setattr("handgrad.memory.MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr("handgrad.memory.LIMITS", (tmp_path / "memory.max",))
    assert free_memory() == expected


def test_all_memory_is_free_where_nobody_tells(tmp_path, monkeypatch):
    monkeypatch.setattr("handgrad.memory.MEMINFO", tmp_path / "none")
    monkeypatch.setattr("handgrad.memory.LIMITS", (tmp_path / "none",))
    assert free_memory() == memory()
