"""The command `evaluate`."""

from __future__ import annotations


def test_evaluate_prints_tables(run, model, flowers):
    status, out, _ = run("evaluate", model, flowers, "--label", "species")
    assert status == 0
    assert "accuracy" in out
    assert "on 150 samples" in out
