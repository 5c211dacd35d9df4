"""The page as a learner uses it, against the numbers of the notes."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from browser.learner import (
    THREE,
    VIEWS,
    Oracle,
    batch,
    draw,
    go_to,
    open_view,
    samples_named,
    settled,
    shown_number,
    unpacked,
    value_of,
)
from handgrad import data, notes
from handgrad.export import export_html
from handgrad.model import Model
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


def fragment_of(page) -> dict[str, str]:
    return {key: value[0] for key, value in parse_qs(urlsplit(page.url).fragment).items()}


def probabilities(page) -> list[str]:
    shown: list[str] = page.locator(".class-value").all_inner_texts()
    return shown


def percent(probability: float) -> str:
    text = f"{probability * 100:.1f}"
    if text == "100.0" and probability < 1:
        return "> 99.9 %"
    return "< 0.1 %" if text == "0.0" else f"{text} %"


# Drawing


def test_a_drawn_three_is_read_as_the_notes_read_it(opened_page):
    draw(opened_page)
    settled(opened_page)
    x = unpacked(fragment_of(opened_page)["drawn"], 784)
    A2 = notes.forward(Oracle(opened_page).network, x[None, :]).A2[:, 0]
    assert A2.argmax() == 3, "the network of the fixture reads this 3"
    assert probabilities(opened_page) == [percent(p) for p in A2]
    assert "The network says 3" in opened_page.locator(".hand-verdict").inner_text()


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


# The pass


def test_the_arrow_keys_walk_all_steps_forward_and_back(opened_page):
    open_view(opened_page, "The pass")
    heading = opened_page.locator(".step-head h1")
    seen = [heading.inner_text()]
    for key in ["ArrowRight"] * (STEPS - 1) + ["ArrowLeft"] * (STEPS - 1):
        opened_page.keyboard.press(key)
        settled(opened_page)
        seen.append(heading.inner_text())
    numbers = [int(found_in(text, r"^Step (\d+) of 12")) for text in seen]
    assert numbers == [*range(1, 13), *range(11, 0, -1)]


def test_play_walks_on_by_itself_and_pauses(opened_page):
    open_view(opened_page, "The pass")
    opened_page.get_by_role("button", name="Play").click()
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
        page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.25)
        settled(page)
        assert fragment_of(page)["entry"] == "A2.2.0"
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


# Batches


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


# The other views


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
    opened_page.locator(".outcome").get_by_text(re.compile("uphill|left the range")).wait_for()
    opened_page.get_by_role("button", name="Undo").click()
    settled(opened_page)
    assert (figure(opened_page, "Cost"), rate.input_value()) == (cost, η)
    assert figure(opened_page, "Steps") == 0


def test_a_run_from_fresh_values_learns_and_can_be_paused(opened_page):
    open_view(opened_page, "Descend")
    opened_page.get_by_role("button", name="Fresh initial values").click()
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


@pytest.mark.parametrize(
    ("title", "wrong"),
    [
        ("Forget the ReLU mask", {"dW1", "db1"}),
        ("Forget the 1/m", {"dW1", "db1", "dW2", "db2"}),
        ("Turn the sign around", {"dW1", "db1", "dW2", "db2"}),
        ("Forget to transpose W2", {"dW1", "db1"}),
    ],
)
def test_a_planted_mistake_turns_the_check_red(opened_page, title, wrong):
    go_to(opened_page, "view=break&sample=5&m=6")
    check = opened_page.locator(".check")
    assert check.locator(".failed").count() == 0
    switch = opened_page.get_by_role("switch", name=title)
    switch.check()
    settled(opened_page)
    failed = {text.split()[-1] for text in check.locator(".failed th").all_inner_texts()}
    assert failed == wrong
    switch.uncheck()
    settled(opened_page)
    assert check.locator(".failed").count() == 0


def test_a_plain_softmax_breaks_on_large_logits_only(opened_page):
    go_to(opened_page, "view=break&sample=5&m=6")
    opened_page.get_by_role("switch", name="Softmax without the shift").check()
    settled(opened_page)
    assert opened_page.locator(".check .failed").count() == 0
    opened_page.get_by_role("button", name="Make the logits large").click()
    settled(opened_page)
    assert opened_page.locator(".check .failed").count() == 4
    assert "not a number" in opened_page.locator(".check").inner_text()


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


# Links


@pytest.mark.parametrize("view", VIEWS)
def test_a_link_opens_the_same_view(opened_page, new_page, view):
    go_to(opened_page, "view=pass&sample=9&step=8&m=3&entry=dA1.4.1&rate=0.5")
    open_view(opened_page, view)
    settled(opened_page)
    with new_page(viewport={"width": 1280, "height": 800}) as other:
        other.goto(opened_page.url)
        settled(other)
        for part in ("h1", "#hand", ".sum"):
            here, there = opened_page.locator(part), other.locator(part)
            assert here.all_inner_texts() == there.all_inner_texts()


def test_a_link_carries_a_drawing_pixel_by_pixel(opened_page, new_page):
    draw(opened_page)
    opened_page.get_by_label("It is meant to be").select_option(label="8")
    settled(opened_page)
    with new_page() as other:
        other.goto(opened_page.url)
        settled(other)
        assert probabilities(other) == probabilities(opened_page)
        assert other.get_by_label("It is meant to be").input_value() == "8"
        assert fragment_of(other)["drawn"] == fragment_of(opened_page)["drawn"]


@pytest.mark.parametrize(
    "fragment",
    [
        "view=nowhere",
        "view=pass&step=99&sample=100000&m=-1&entry=Z9.1.1",
        "view=pass&step=1&entry=Z1.9999.0&m=64",
        "view=draw&drawn=%%%",
        "view=draw&drawn=AAAA",
        "view=descend&rate=NaN",
        "view=break&mistakes=none.at.all",
        "a=b&c",
    ],
)
def test_a_damaged_link_still_opens_the_page(page, exported_page, fragment):
    page.goto(f"{exported_page.address}#{fragment}")
    settled(page)
    assert page.locator("h1").count() == 1


# The tour


def test_the_tour_can_be_taken_alone(opened_page):
    opened_page.get_by_role("button", name="Take the tour").click()
    tour = opened_page.get_by_role("region", name="Guided tour")
    stops = int(found_in(tour.inner_text(), r"of (\d+)"))
    assert 8 <= stops <= 12
    titles = []
    for stop in range(stops):
        settled(opened_page)
        titles.append(tour.locator("h2").inner_text())
        assert opened_page.locator(".pointed-at").count() == 1, titles
        tour.get_by_role("button", name="Done" if stop == stops - 1 else "Next").click()
    settled(opened_page)
    assert len(set(titles)) == stops
    assert tour.is_hidden()
