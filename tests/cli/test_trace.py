"""The command `trace`."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_iris

from handgrad import load, notes
from handgrad.derivation.formulas import FORMULAS


def test_a_trace_under_json_holds_every_matrix(run_json, model, flowers):
    steps = run_json("trace", model, flowers, "--label", "species", "--sample", 149)
    assert {step["formula"] for step in steps} == {"", *FORMULAS}
    (Z1,) = (step["value"] for step in steps if step["name"] == "Z1")
    expected = notes.forward(load(model), load_iris().data[149:]).Z1
    np.testing.assert_allclose(Z1, expected, rtol=1e-6)


def test_a_sample_that_is_not_there_is_wrong_usage(run, model, flowers):
    status, _, err = run("trace", model, flowers, "--label", "species", "--sample", 150)
    assert status == 2
    assert "150 samples" in err
