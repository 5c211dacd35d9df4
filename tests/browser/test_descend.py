"""The view Descend: steps and runs in the page, against the notes."""

from __future__ import annotations

import re

import pytest

from browser.learner import (
    Oracle,
    open_view,
    settled,
    shown_number,
)
from handgrad import notes


def figure(page, name: str) -> float:
    """Read one of the figures beside the curves."""
    terms = page.locator(".figures dt").all_inner_texts()
    return shown_number(page.locator(".figures dd").all_inner_texts()[terms.index(name)])


def test_a_step_makes_the_cost_fall_as_the_notes_say(opened_page):
    oracle = Oracle(opened_page)
    open_view(opened_page, "Descend")
    η = 0.02
    opened_page.get_by_label("Learning rate η as a number").fill(str(η))
    assert figure(opened_page, "Cost") == pytest.approx(
        notes.cost(oracle.network, oracle.X, oracle.y), rel=1e-3
    )
    opened_page.get_by_role("button", name="Take one step").click()
    opened_page.get_by_text("After 1 step the cost").wait_for()
    activations = notes.forward(oracle.network, oracle.X)
    gradient = notes.backward(oracle.network, oracle.X, oracle.y, activations)
    after = notes.descend(oracle.network, gradient, η)
    assert figure(opened_page, "Cost") == pytest.approx(
        notes.cost(after, oracle.X, oracle.y), rel=1e-3
    )
    assert "downhill" in opened_page.locator(".outcome").inner_text()


def test_undo_brings_back_network_and_rate(opened_page):
    open_view(opened_page, "Descend")
    cost = figure(opened_page, "Cost")
    rate = opened_page.get_by_label("Learning rate η as a number")
    η = rate.input_value()
    opened_page.get_by_role("button", name="Try η").click()
    opened_page.locator(".outcome").get_by_text(re.compile("uphill|too large for")).wait_for()
    opened_page.get_by_role("button", name="Undo").click()
    settled(opened_page)
    assert (figure(opened_page, "Cost"), rate.input_value()) == (cost, η)
    assert figure(opened_page, "Steps") == 0


def test_a_run_from_fresh_values_learns_and_can_be_paused(opened_page):
    open_view(opened_page, "Descend")
    opened_page.get_by_role("button", name="New initial values").click()
    settled(opened_page)
    before = figure(opened_page, "Cost")
    opened_page.get_by_role("button", name="Run", exact=True).click()
    opened_page.wait_for_function(
        "() => Number(document.querySelector('.figures dd').textContent.replace(',', '')) > 20"
    )
    opened_page.get_by_role("button", name="Pause").click()
    opened_page.get_by_role("button", name="Run", exact=True).wait_for()
    assert figure(opened_page, "Cost") < before
    opened_page.get_by_role("button", name="Back to the loaded network").click()
    settled(opened_page)
    assert figure(opened_page, "Steps") == 0


def test_what_has_changed_is_what_the_steps_added(opened_page):
    open_view(opened_page, "Descend")
    opened_page.get_by_role("button", name="What has changed").click()
    opened_page.get_by_text("Nothing has changed yet").wait_for()
    colours = """(canvas) => {
        const copy = document.createElement("canvas");
        [copy.width, copy.height] = [canvas.width, canvas.height];
        const context = copy.getContext("2d", { willReadFrequently: true });
        context.drawImage(canvas, 0, 0);
        const pixels = context.getImageData(0, 0, copy.width, copy.height).data;
        const texts = Array.from({ length: pixels.length / 4 }, (_, n) =>
            `rgb(${[...pixels.subarray(4 * n, 4 * n + 3)].join(", ")})`);
        return [texts[0], new Set(texts).size];
    }"""
    pictures = opened_page.locator(".weights canvas")
    assert [item.evaluate(colours)[1] for item in pictures.all()] == [1] * 10
    opened_page.get_by_role("button", name="Ten steps", exact=True).click()
    opened_page.get_by_text("After 10 steps the cost").wait_for()
    corner, count = pictures.first.evaluate(colours)
    assert count > 1
    oracle = Oracle(opened_page)
    assert not oracle.X[:, 0].any(), "no digit has ink in its corner, so no step changes it"
    neutral = (
        opened_page.locator(".legend-step").nth(13).evaluate("(step) => step.style.background")
    )
    assert corner == neutral
