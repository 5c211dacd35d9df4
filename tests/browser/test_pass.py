"""The view The pass: every step, every entry and every sum, against the notes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from browser.learner import (
    Oracle,
    batch,
    go_to,
    open_view,
    settled,
    shown_number,
    value_of,
)
from handgrad import notes
from texts import found_in

STEPS = 12


RESULTS = {
    1: ["Z1"],
    2: ["A1"],
    3: ["Z2"],
    4: ["A2"],
    5: ["losses", "C"],
    6: ["dZ2"],
    7: ["dW2", "db2"],
    8: ["dA1"],
    9: ["dZ1"],
    10: ["dW1", "db1"],
    11: ["W1 after", "b1 after", "W2 after", "b2 after"],
}


def test_the_arrow_keys_walk_all_steps_forward_and_back(opened_page):
    open_view(opened_page, "The pass")
    heading = opened_page.locator(".step-head h1")
    seen = [heading.inner_text()]
    for key in ["ArrowRight"] * (STEPS - 1) + ["ArrowLeft"] * (STEPS - 1):
        opened_page.keyboard.press(key)
        settled(opened_page)
        seen.append(heading.inner_text())
    numbers = [int(found_in(text, r"Step (\d+) of 12")) for text in seen]
    assert numbers == [*range(1, 13), *range(11, 0, -1)]


def test_play_walks_on_by_itself_and_pauses(opened_page):
    open_view(opened_page, "The pass")
    opened_page.clock.install()
    opened_page.get_by_role("button", name="Play").click()
    opened_page.clock.fast_forward(3000)
    opened_page.get_by_text("Step 2 of 12").wait_for()
    opened_page.get_by_role("button", name="Pause").click()
    assert opened_page.get_by_role("button", name="Play").is_visible()


@pytest.mark.parametrize("m", [1, 5])
def test_every_entry_looked_at_shows_the_notes_number(opened_page, m):
    oracle = Oracle(opened_page)
    start = 7
    go_to(opened_page, f"view=pass&sample={start}&m={m}")
    samples = batch(opened_page) if m > 1 else [start]
    assert (samples[0], len(set(samples))) == (start, m)
    expected = oracle.pass_of(oracle.X[samples], oracle.y[samples], 0.25)
    for step, names in RESULTS.items():
        for name in names:
            rows, columns = expected[name].shape
            strongest = np.unravel_index(np.abs(expected[name]).argmax(), (rows, columns))
            for row, column in {tuple(map(int, strongest)), (rows - 1, columns - 1)}:
                entry = f"{name}.{row}.{column}".replace(" ", "+")
                go_to(
                    opened_page,
                    f"view=pass&sample={start}&step={step}&m={m}&rate=0.25&entry={entry}",
                )
                shown = value_of(opened_page.locator(".sum-value"))
                wanted = expected[name][row, column]
                assert shown == pytest.approx(wanted, rel=1e-9, abs=1e-12), (name, row, column)


def hovered(page, name, row, column):
    """Point at an entry of the matrix that is named so, and return the sum's panel."""
    grid = page.locator(f'.stage [role=grid][aria-label^="{name},"]').first
    box = grid.bounding_box()
    rows, columns = (int(grid.get_attribute(f"aria-{kind}count")) for kind in ("row", "col"))
    page.mouse.move(
        box["x"] + (column + 0.5) * box["width"] / columns,
        box["y"] + (row + 0.5) * box["height"] / rows,
    )
    settled(page)
    return page.locator(".sum")


def test_pointing_at_an_entry_writes_out_its_sum_largest_terms_first(opened_page):
    oracle = Oracle(opened_page)
    go_to(opened_page, "view=pass&sample=3&step=1")
    panel = hovered(opened_page, "Z1", 4, 0)
    expected = oracle.network.W1[4] * oracle.X[3]
    order = np.argsort(-np.abs(expected), kind="stable")
    terms = [
        float(v)
        for v in panel.locator(".terms tr:not([class]) .term-value data").evaluate_all(
            "(nodes) => nodes.map((node) => node.value)"
        )
    ]
    np.testing.assert_allclose(terms, expected[order][: len(terms)], rtol=1e-12)
    total = value_of(panel.locator(".sum-value"))
    rest = value_of(panel.locator(".sum-rest .term-value data"))
    bias = value_of(panel.locator(".sum-extra .term-value data"))
    assert bias == pytest.approx(oracle.network.b1[4, 0])
    assert sum(terms) + rest + bias == pytest.approx(total)
    assert total == pytest.approx(expected.sum() + oracle.network.b1[4, 0])


def test_the_row_and_the_column_that_made_an_entry_light_up(opened_page):
    go_to(opened_page, "view=pass&sample=3&step=3&m=4")
    hovered(opened_page, "Z2", 6, 2)
    lit = opened_page.locator(".stage .matrix").evaluate_all(
        """(figures) => figures.map((figure) => [
            figure.querySelector("[role=grid]").ariaLabel.split(",")[0],
            ...[...figure.querySelectorAll(".band:not(.spot)")].map((band) => band.hidden
                ? null : [band.style.top, band.style.left].map(parseFloat)),
        ])"""
    )
    by_name = {name: bands for name, *bands in lit}
    assert by_name["W2"] == [[60, 0], None, None], "row 6 of 10"
    assert by_name["A1"] == [None, [0, 50], None], "column 2 of 4"
    assert by_name["Z2"] == [None, None, [60, 50]]
    assert by_name["b2"] == [None, None, [60, 50]], "b2 is repeated over the columns"


def test_a_tap_chooses_an_entry(new_page, exported_page):
    with new_page(viewport={"width": 390, "height": 800}, has_touch=True) as page:
        page.goto(f"{exported_page.address}#view=pass&sample=3&step=4")
        grid = page.locator('.stage [role=grid][aria-label^="A2"]').first
        box = grid.bounding_box()
        grid.tap(position={"x": box["width"] / 2, "y": box["height"] * 0.25})
        page.wait_for_url(re.compile(r"entry=A2\.2\.0"))
        oracle = Oracle(page)
        expected = notes.forward(oracle.network, oracle.X[3:4]).A2[2, 0]
        assert value_of(page.locator(".sum-value")) == pytest.approx(expected)


def test_shapes_stand_beneath_in_letters_and_numbers(opened_page):
    go_to(opened_page, "view=pass&sample=3&step=1&m=8")
    shapes = opened_page.locator(".shapes").all_inner_texts()
    assert shapes == ["H×m = (H×D)(D×m) + (H×1)", "10×8 = (10×784)(784×8) + (10×1)"]
    assert opened_page.locator(".stage .matrix-shape").all_inner_texts()[1] == "10×784"


def test_matrices_keep_their_proportions(opened_page):
    go_to(opened_page, "view=pass&sample=3&step=3")
    for name, rows, columns in (("W2", 10, 10), ("A1", 10, 1)):
        box = opened_page.locator(f'.stage [aria-label^="{name},"]').first.bounding_box()
        assert box["width"] / box["height"] == pytest.approx(columns / rows, rel=0.02)
    go_to(opened_page, "view=pass&sample=3&step=1")
    box = opened_page.locator('.stage [aria-label^="W1,"]').bounding_box()
    assert box["width"] / box["height"] > 60, "a strip"


def test_every_formula_says_why(opened_page):
    for step in range(STEPS):
        go_to(opened_page, f"view=pass&sample=3&step={step}")
        opened_page.locator(".why summary").click()
        assert len(opened_page.locator(".derivation").first.inner_text()) > 40
        ids = opened_page.locator(".step-ids").inner_text().split()
        told = opened_page.locator(".derivation strong").all_inner_texts()
        assert [text.strip(" .") for text in told] == ([] if step == 0 else ids)


@pytest.mark.parametrize(("step", "name", "slope"), [(7, "dW2", "dZ2"), (10, "dW1", "dZ1")])
def test_shares_added_up_become_the_matrix_product(opened_page, step, name, slope):
    oracle = Oracle(opened_page)
    go_to(opened_page, f"view=pass&sample=2&step={step}&m=6")
    samples = batch(opened_page)
    expected = oracle.pass_of(oracle.X[samples], oracle.y[samples], 0.1)
    factors = expected["A1"].T if name == "dW2" else expected["X"]
    opened_page.get_by_role("button", name="As a sum over samples").click()
    for count in range(1, 7):
        settled(opened_page)
        partial = sum(np.outer(expected[slope][:, i], factors[i]) for i in range(count))
        gap = np.abs(expected[name] - partial).max()
        verdict = opened_page.locator(".outer .verdict").inner_text()
        if count < 6:
            assert shown_number(verdict.split(": ")[1]) == pytest.approx(gap, rel=0.01)
            opened_page.get_by_role("button", name="Add one sample").click()
        else:
            assert "Equal to the matrix product" in verdict
            assert gap < 1e-12


def test_a_batch_has_one_column_a_sample(opened_page):
    go_to(opened_page, "view=pass&sample=2&step=4&m=64")
    grid = opened_page.locator('.stage [aria-label^="A2,"]').first
    assert grid.get_attribute("aria-colcount") == "64"
    samples = batch(opened_page)
    assert len(set(samples)) == 64
    assert len(set(Oracle(opened_page).y[samples])) == 10, "all classes are there"


def test_the_last_step_says_what_it_changes(opened_page):
    oracle = Oracle(opened_page)
    go_to(opened_page, "view=pass&sample=3&step=11&rate=0.05")
    expected = oracle.pass_of(oracle.X[3:4], oracle.y[3:4], 0.05)
    text = opened_page.locator(".changes").inner_text()
    largest = shown_number(found_in(text, r"largest change ([\d.]+)"))
    assert largest == pytest.approx(0.05 * np.abs(expected["dW1"]).max(), rel=5e-3)
    before = shown_number(found_in(text, r"from ([\d.]+) to"))
    after = shown_number(found_in(text, r"from [\d.]+ to ([\d.]+)\."))
    assert before == pytest.approx(expected["C"][0, 0], rel=1e-3)
    assert after < before
