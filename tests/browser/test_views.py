"""The views The mask, Labels and Confusions, against the notes."""

from __future__ import annotations

import numpy as np
import pytest

from browser.learner import (
    Oracle,
    fragment_of,
    go_to,
    open_view,
    settled,
)
from handgrad import data, notes
from handgrad.export import export_html
from handgrad.model import Model
from texts import found_in


def test_the_mask_says_which_units_are_on(opened_page):
    oracle = Oracle(opened_page)
    go_to(opened_page, "view=mask&sample=11")
    Z1 = notes.forward(oracle.network, oracle.X).Z1
    gates = opened_page.locator(".mask-gate").all_inner_texts()
    assert ["on" in gate for gate in gates] == (Z1[:, 11] > 0).tolist()
    often = opened_page.locator(".mask-often").all_inner_texts()
    shares = (Z1 > 0).mean(axis=1)
    for text, share in zip(often, shares, strict=True):
        if share == 0:
            assert text == "none: dead"
        else:
            assert float(text.strip("<> %")) == pytest.approx(share * 100, abs=1)


def test_a_dead_unit_is_named(new_page, tmp_path, digits_model):
    b1 = digits_model.b1.copy()
    b1[3] = -1000
    dead = Model(
        digits_model.W1,
        b1,
        digits_model.W2,
        digits_model.b2,
        class_names=digits_model.class_names,
        image_shape=digits_model.image_shape,
        scaling=digits_model.scaling,
    )
    path = tmp_path / "dead.html"
    export_html(dead, path, data.load_samples("mnist-5k"))
    with new_page() as page:
        page.goto(f"{path.as_uri()}#view=mask&sample=0")
        oracle = Oracle(page)
        dead_units = np.flatnonzero((notes.forward(oracle.network, oracle.X).Z1 <= 0).all(axis=1))
        assert 3 in dead_units
        text = page.locator("#dead-units").inner_text()
        named = found_in(text, r"Units? ([\d, ]+?) (?:is|are) off for all 500")
        assert named.split(", ") == [str(h) for h in dead_units]


def test_both_ways_of_b1_agree_and_one_takes_a_tenth(opened_page):
    go_to(opened_page, "view=labels&sample=4&m=3")
    assert "to the last bit" in opened_page.locator(".labels-view > .verdict").inner_text()
    sizes = opened_page.locator(".memory .term-value").all_inner_texts()
    assert sizes == [
        f"{np.eye(10, dtype=dtype)[:, np.zeros(60_000, dtype=int)].nbytes / 1e6:.2g} MB"
        for dtype in (np.float64, np.float32)
    ] + [f"{np.zeros(60_000, dtype=dtype).nbytes / 1e6:.2g} MB" for dtype in (np.int64, np.uint8)]


def test_the_confusion_matrix_counts_as_the_notes_predict(opened_page):
    oracle = Oracle(opened_page)
    open_view(opened_page, "Confusions")
    shown = np.array(
        [
            0 if text == "·" else int(text)
            for text in opened_page.locator(".confusion-cell").all_inner_texts()
        ]
    ).reshape(10, 10)
    predictions = notes.predict(oracle.network, oracle.X)
    expected = np.zeros((10, 10), dtype=int)
    np.add.at(expected, (oracle.y, predictions), 1)
    np.testing.assert_array_equal(shown, expected)

    truth, says = np.argwhere((expected > 0) & ~np.eye(10, dtype=bool))[0]
    opened_page.locator(".confusion-cell").nth(truth * 10 + says).click()
    settled(opened_page)
    members = np.flatnonzero((oracle.y == truth) & (predictions == says))
    assert opened_page.locator(".confusion-view .thumbnail").count() == len(members)
    opened_page.locator(".confusion-view .thumbnail").first.click()
    settled(opened_page)
    assert fragment_of(opened_page)["view"] == "pass"
    assert int(fragment_of(opened_page)["sample"]) in members
