"""The command `check`: it finds a wrong formula, and needs no digits."""

from __future__ import annotations

import json

from handgrad import notes
from handgrad.derivation.formulas import ALL_FORMULAS


def test_check_passes_and_prints_one_row_per_formula(run, run_json):
    rows = run_json("check")
    assert [row["formula"] for row in rows] == list(ALL_FORMULAS)
    assert all(row["passed"] and row["error"] < 1e-6 for row in rows)
    status, out, _ = run("check")
    assert status == 0
    assert out.count("pass") >= len(ALL_FORMULAS)


def test_check_fails_with_exit_status_1(run, monkeypatch):
    right = notes.output_gradient
    monkeypatch.setattr(notes, "output_gradient", lambda A2, y: right(A2, y) * A2.shape[1])
    status, out, _ = run("check")
    assert status == 1
    assert "FAIL" in out
    status, out, _ = run("check", "--json")
    assert status == 1
    assert not all(row["passed"] for row in json.loads(out))


def test_check_does_without_the_embedded_digits_and_says_so(run, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    status, _, err = run("check")
    assert status == 0
    assert "only on random networks" in err
    status, _, err = run("check", "mnist-5k")
    assert status == 1
    assert "pip install" in err
