"""A run that is killed with -9 and resumed ends in the bits of a run that nobody disturbs."""

from __future__ import annotations

import os

import pytest

from faults import killed_runs
from faults.killed_runs import finished, killed_after, undisturbed, write_samples

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")


@pytest.mark.parametrize("solver", ["gd", "nesterov", "adam"])
def test_a_killed_run_resumes_in_the_same_bits(tmp_path, solver):
    samples = write_samples(tmp_path)
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    alone.mkdir()
    killed.mkdir()
    expected = undisturbed(samples, solver, alone)
    for checkpoints in (1, 7):
        killed_after(samples, solver, killed, checkpoints)
    assert finished(samples, solver, killed).is_same(expected)


@pytest.mark.slow
def test_fifty_of_fifty_killed_runs_end_in_the_same_bits():
    assert killed_runs.main(["--runs", "50"]) == 0
