from __future__ import annotations

import subprocess
import sys

import pytest

from handgrad import get_engine
from handgrad.engines import ENGINE_NAMES, available_engines
from handgrad.engines.threads import processors
from handgrad.errors import EngineError, HandgradError


@pytest.mark.parametrize("arguments", [("quantum", None), ("reference", 0), ("auto", -1)])
def test_an_engine_that_does_not_exist_is_refused(arguments):
    name, threads = arguments
    with pytest.raises(EngineError, match="expected") as raised:
        get_engine(name, threads=threads)
    assert isinstance(raised.value, HandgradError)


def test_auto_is_the_fastest_engine_that_is_there():
    assert get_engine().name == get_engine("auto", threads=2).name == available_engines()[0]
    assert set(available_engines()) < set(ENGINE_NAMES)


@pytest.mark.parametrize(
    ("granted", "threads"),
    [
        ("1", 1),
        ("1,2", 1),
        ("99999", None),
        ("0", None),
        ("many", None),
        pytest.param("9" * 5000, None, id="endless"),
    ],
)
def test_no_more_processors_are_taken_than_granted(monkeypatch, granted, threads):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    there = processors()
    monkeypatch.setenv("OMP_NUM_THREADS", granted)
    assert processors() == (threads or there)


WITHOUT_NATIVE = """
import sys
sys.modules["handgrad.engines._native"] = None  # as where it was never built
from handgrad import get_engine
from handgrad.engines import available_engines
from handgrad.errors import EngineError
from handgrad.jobs.information import installation

assert available_engines() == ["reference"]
assert get_engine("auto").name == "reference"
assert "not here" in installation()["native_engine"]
try:
    get_engine("native")
except EngineError as error:
    assert "C++17 compiler" in str(error), error
else:
    raise AssertionError
"""


def test_the_reference_engine_serves_where_the_native_one_was_not_built():
    subprocess.run([sys.executable, "-c", WITHOUT_NATIVE], check=True)
