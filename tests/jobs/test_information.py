"""What is said of an installation is what its packages and its engine say."""

from __future__ import annotations

import sys

import numpy as np
import safetensors

from handgrad import __version__, get_engine
from handgrad.jobs import information
from handgrad.jobs.information import installation


def test_the_facts_are_those_of_the_packages_and_the_engine():
    facts, engine = installation(), get_engine("auto")
    assert facts["version"] == __version__
    assert facts["numpy"] == np.__version__
    assert facts["safetensors"] == safetensors.__version__
    assert facts["python"] == ".".join(map(str, sys.version_info[:3]))
    assert (facts["engine"], facts["threads"]) == (engine.name, engine.threads)
    assert facts["instruction_set"] == engine.instruction_set
    assert facts["engine"] in facts["engines"]


def test_the_reason_is_given_where_the_native_engine_is_missing(monkeypatch):
    monkeypatch.setattr(information, "WHY_NOT_NATIVE", "")
    assert "native_engine" not in installation()
    monkeypatch.setattr(information, "WHY_NOT_NATIVE", "it was not built")
    assert installation()["native_engine"] == "not here: it was not built"
