"""The view Draw: a drawing, its probabilities and its evidence, against the notes."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import numpy as np

from browser.learner import (
    THREE,
    Oracle,
    draw,
    fragment_of,
    go_to,
    open_view,
    probabilities,
    samples_named,
    settled,
    shown_number,
    unpacked,
)
from handgrad import notes


def percent(probability: float) -> str:
    text = f"{probability * 100:.1f}"
    if text == "100.0" and probability < 1:
        return "> 99.9 %"
    return "< 0.1 %" if text == "0.0" else f"{text} %"


def test_a_drawn_three_is_read_as_the_notes_read_it(opened_page):
    draw(opened_page)
    settled(opened_page)
    x = unpacked(fragment_of(opened_page)["drawn"], 784)
    A2 = notes.forward(Oracle(opened_page).network, x[None, :]).A2[:, 0]
    assert A2.argmax() == 3, "the network of the fixture reads this 3"
    assert probabilities(opened_page) == [percent(p) for p in A2]
    assert "The network says 3" in opened_page.locator(".sample-bar-verdict").inner_text()


def test_a_drawing_is_centred_and_of_mnists_size(opened_page):
    draw(opened_page, [[(0.05 + x / 4, 0.05 + y / 4) for x, y in stroke] for stroke in THREE])
    settled(opened_page)
    picture = unpacked(fragment_of(opened_page)["drawn"], 784).reshape(28, 28)
    rows, columns = np.nonzero(picture)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20, 21)
    centre = np.array([(picture.sum(axis=axis) @ np.arange(28)) for axis in (1, 0)]) / picture.sum()
    assert np.abs(centre - 14).max() < 1


def test_the_eraser_takes_ink_away_and_clear_takes_all(opened_page):
    draw(opened_page)
    settled(opened_page)
    before = unpacked(fragment_of(opened_page)["drawn"], 784)
    opened_page.get_by_role("button", name="Eraser").click()
    box = opened_page.locator(".pad-surface").bounding_box()
    opened_page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    opened_page.mouse.down()
    opened_page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.5, steps=8)
    opened_page.mouse.up()
    settled(opened_page)
    assert unpacked(fragment_of(opened_page)["drawn"], 784).sum() < before.sum()
    opened_page.get_by_role("button", name="Clear", exact=True).click()
    settled(opened_page)
    assert unpacked(fragment_of(opened_page)["drawn"], 784).sum() == 0


def test_a_nudge_moves_the_picture_by_one_pixel(opened_page):
    before = Oracle(opened_page).X[0].reshape(28, 28)
    opened_page.get_by_role("button", name="Move right").click()
    opened_page.get_by_role("button", name="Move right").press("ArrowDown")
    settled(opened_page)
    after = unpacked(fragment_of(opened_page)["drawn"], 784).reshape(28, 28)
    np.testing.assert_allclose(after, np.roll(before, (1, 1), axis=(0, 1)), atol=1e-12)


def test_a_learner_says_which_digit_was_meant(opened_page):
    draw(opened_page)
    opened_page.get_by_label("It is meant to be").select_option(label="8")
    open_view(opened_page, "The pass")
    settled(opened_page)
    go_to(opened_page, re.sub("step=[0-9]+&?", "", urlsplit(opened_page.url).fragment) + "&step=6")
    x = unpacked(fragment_of(opened_page)["drawn"], 784)[None, :]
    expected = Oracle(opened_page).pass_of(x, np.array([8]), 0.1)["dZ2"]
    shown = opened_page.locator(".stage .matrix-values").first.locator("span").all_inner_texts()
    assert len(shown) == 10
    assert np.sign(expected[8, 0]) == -1
    assert shown[8].startswith("−")
    assert all(not text.startswith("−") for k, text in enumerate(shown) if k != 8)


def test_picking_what_it_gets_wrong_shows_the_costliest_first(opened_page):
    oracle = Oracle(opened_page)
    activations = notes.forward(oracle.network, oracle.X)
    losses = notes.losses(activations.Z2, oracle.y)
    wrong = np.flatnonzero(activations.A2.argmax(axis=0) != oracle.y)
    expected = wrong[np.argsort(-losses[wrong], kind="stable")]
    opened_page.get_by_role("button", name="What it gets wrong").click()
    settled(opened_page)
    shown = samples_named(opened_page, ".pick .thumbnail")
    assert shown == expected.tolist()[:48]


def test_the_evidence_adds_up_to_the_logit(opened_page):
    oracle = Oracle(opened_page)
    Z1, _, Z2, _ = notes.forward(oracle.network, oracle.X[:1])
    k = int(Z2[:, 0].argmax())
    reach = oracle.network.W2[k] * (Z1[:, 0] > 0)
    shares = reach @ oracle.network.W1 * oracle.X[0]
    text = opened_page.locator(".evidence").inner_text()
    numbers = [shown_number(n) for n in re.findall(r"(?<=[ ])[+−][\d.]+\d", text)]
    expected = [shares[shares > 0].sum(), shares[shares < 0].sum()]
    expected += [float(reach @ oracle.network.b1[:, 0] + oracle.network.b2[k, 0]), Z2[k, 0]]
    np.testing.assert_allclose(numbers, expected, rtol=6e-3, atol=6e-4)
