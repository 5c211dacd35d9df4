"""The command `info`."""

from __future__ import annotations


def test_info_shows_versions_engine_instruction_set_and_threads(run, run_json):
    facts = run_json("info")
    assert {"version", "engine", "instruction_set", "threads"} <= set(facts)
    status, out, _ = run("info")
    assert status == 0
    assert str(facts["instruction_set"]) in out
    assert run("--version")[1].split()[-1] == facts["version"]
