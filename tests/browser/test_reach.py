"""Who can use the page, and on what: the keyboard alone, screen readers, small and large screens,
and networks of other shapes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from browser.learner import VIEWS, Oracle, batch, draw, go_to, open_view, settled, value_of
from handgrad import Network, data, get_engine, notes
from handgrad.export import export_html
from handgrad.model import Model
from handgrad.rows import PIXEL_SCALE

FRAGMENTS = {
    "draw": "view=draw&sample=3",
    "pass-f1": "view=pass&sample=3&step=1&entry=Z1.4.0",
    "pass-c1": "view=pass&sample=3&step=5&m=8&entry=losses.0.4",
    "pass-b6": "view=pass&sample=3&step=10&m=8&entry=dW1.5.400",
    "pass-sum": "view=pass&sample=3&step=7&m=8&sums=1",
    "pass-u1": "view=pass&sample=3&step=11",
    "mask": "view=mask&sample=3&m=4",
    "labels": "view=labels&sample=3&m=4",
    "descend": "view=descend&sample=3",
    "break": "view=break&sample=3&m=4&mistakes=no-mask",
    "confusion": "view=confusion&sample=3",
}
WIDTHS = {360: 740, 1280: 800, 2560: 1440}

# Every call to the page's frame callbacks, timed.
TIME_FRAMES = """
window.frameTimes = [];
const request = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (callback) => request((time) => {
    const start = performance.now();
    callback(time);
    window.frameTimes.push(performance.now() - start);
});
"""


def show(page, fragment: str) -> None:
    """Follow a link, and wait for what the page computes in the background."""
    go_to(page, fragment)
    if fragment.startswith("view=break"):
        page.get_by_text("60 steps on").wait_for()


def tab_to(page, selector: str) -> None:
    """Press Tab until something has the focus that the selector names."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("(s) => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"{selector} is out of the keyboard's reach")


def test_everything_can_be_done_with_the_keyboard_alone(opened_page):
    page = opened_page
    page.evaluate("window.addEventListener('pointerdown', () => { window.usedPointer = true; })")

    # draw a stroke from top to bottom
    tab_to(page, ".pad-surface")
    page.keyboard.press("Delete")
    page.keyboard.press(" ")
    for _ in range(17):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    settled(page)
    assert "drawn=" in page.url
    assert "The network says 1" in page.locator(".sample-bar-verdict").inner_text()

    # walk on to B1, and into its matrix
    page.keyboard.press("Shift+Tab")
    page.evaluate("document.querySelector('.tab').focus()")
    tab_to(page, ".tab:nth-child(2)")
    page.keyboard.press("Enter")
    settled(page)
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        settled(page)
    assert "Step 7 of 12" in page.locator("h1").inner_text()
    tab_to(page, ".stage [role=grid]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    settled(page)
    assert "entry=dZ2.2.0" in page.url
    assert "Step 7 of 12" in page.locator("h1").inner_text(), "arrows in a matrix do not step"

    # take a step of descent
    page.evaluate("document.querySelector('.tab').focus()")
    tab_to(page, ".tab:nth-child(5)")
    page.keyboard.press("Enter")
    settled(page)
    tab_to(page, ".descend .primary")
    page.keyboard.press("Enter")
    page.get_by_text("After 1 step the cost").wait_for()

    # plant a mistake
    tab_to(page, "#tools button")  # around the end
    tab_to(page, ".tab:nth-child(6)")
    page.keyboard.press("Enter")
    settled(page)
    tab_to(page, "[role=switch]")
    page.keyboard.press(" ")
    settled(page)
    assert page.locator(".mistake.planted").count() == 1

    # open a cell of the confusion matrix, and a digit in it
    page.evaluate("document.querySelector('.tab').focus()")
    tab_to(page, ".tab:nth-child(7)")
    page.keyboard.press("Enter")
    settled(page)
    tab_to(page, ".confusion-cell")
    page.keyboard.press("Enter")
    settled(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    settled(page)
    tab_to(page, ".confusion-view .thumbnail")
    page.keyboard.press("Enter")
    settled(page)
    assert "view=pass" in page.url
    assert not page.evaluate("window.usedPointer === true")


@pytest.mark.parametrize("view", VIEWS)
def test_tab_leaves_every_view_again(opened_page, view):
    open_view(opened_page, view)
    opened_page.evaluate("document.querySelector('.skip').focus()")
    stops = opened_page.evaluate(
        "document.querySelectorAll('button, input, select, a[href], summary, [tabindex]').length"
    )
    for _ in range(stops + 5):
        opened_page.keyboard.press("Tab")
        if opened_page.evaluate("document.activeElement.matches('body, .skip')"):
            return
    raise AssertionError("Tab does not come out of the page again")


def test_a_matrix_is_one_stop_and_says_its_entry(opened_page):
    go_to(opened_page, "view=pass&sample=3&step=3")
    grids = opened_page.locator(".stage [role=grid]")
    assert grids.count() == 4
    grid = opened_page.locator('.stage [role=grid][aria-label^="W2,"]')
    grid.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        opened_page.keyboard.press(key)
    settled(opened_page)
    oracle = Oracle(opened_page)
    assert value_of(opened_page.locator(".sum-value")) == pytest.approx(oracle.network.W2[1, 2])
    assert grid.locator("[role=gridcell]").inner_text().startswith("W2[1, 2] is")
    opened_page.keyboard.press("End")
    settled(opened_page)
    assert "entry=W2.1.9" in opened_page.url
    opened_page.keyboard.press("Escape")
    settled(opened_page)
    assert "entry=" not in opened_page.url


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(new_page, exported_page, axe_source, theme):
    with new_page(color_scheme=theme, viewport={"width": 1280, "height": 900}) as page:
        page.goto(exported_page.address)
        page.evaluate(axe_source)
        serious = []
        for place, fragment in FRAGMENTS.items():
            go_to(page, fragment)
            violations = page.evaluate("async () => (await axe.run()).violations")
            serious += [
                (place, fault["id"], fault["help"], [n["html"][:160] for n in fault["nodes"][:3]])
                for fault in violations
                if fault["impact"] in ("serious", "critical")
            ]
        assert serious == [], json.dumps(serious, indent=1)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_view_fits_its_screen(new_page, exported_page, artefacts, width, theme):
    """Pictures of all views are kept to be looked at."""
    size = {"width": width, "height": WIDTHS[width]}
    with new_page(color_scheme=theme, viewport=size) as page:
        page.goto(exported_page.address)
        for name, fragment in FRAGMENTS.items():
            show(page, fragment)
            page.screenshot(path=artefacts / f"{name}-{width}-{theme}.png", full_page=True)
            wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wider <= 0, f"{name} is {wider} pixels wider than the screen"


def test_the_theme_can_be_chosen(opened_page):
    ground = "getComputedStyle(document.body).backgroundColor"
    before = opened_page.evaluate(ground)
    opened_page.get_by_role("button", name="Change to dark colours").click()
    settled(opened_page)
    assert opened_page.evaluate(ground) != before
    opened_page.reload()
    settled(opened_page)
    assert opened_page.get_by_role("button", name="Change to light colours").is_visible()


def test_a_frame_of_drawing_takes_less_than_16_milliseconds(new_page, exported_page):
    with new_page(viewport={"width": 1280, "height": 900}) as page:
        page.add_init_script(TIME_FRAMES)
        page.goto(exported_page.address)
        settled(page)
        page.evaluate("window.frameTimes.length = 0")
        draw(page)
        times = page.evaluate("window.frameTimes")
    assert len(times) > 20
    # The median: a machine that does something else in between is not the page's fault.
    assert np.median(times) < 16


def trained(X, y, hidden, **options) -> Model:
    classes = int(y.max()) + 1
    start = Network.initial(features=X.shape[1], hidden=hidden, classes=classes, seed=1)
    network, _ = get_engine().descend(start, X, y, learning_rate=0.1, iterations=50)
    names = tuple(chr(ord("A") + k) for k in range(classes))
    return Model(*network.parameters, class_names=names, **options)


@pytest.fixture(scope="module")
def table_page(tmp_path_factory):
    """Seven named features, no picture."""
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 7))
    y = (X[:, 0] + X[:, 3] > 0).astype(int) + (X[:, 5] > 1)
    names = ("width", "height", "age", "weight", "a rather long name", "x", "y")
    model = trained(X, y, hidden=5)
    samples = data.Samples(X, y, model.class_names, None, tuple(map(str, range(60))), "made", names)
    path = tmp_path_factory.mktemp("table") / "table.html"
    export_html(model, path, samples)
    return path


@pytest.fixture(scope="module")
def letters_page(tmp_path_factory):
    """The largest network that the page takes: 64 hidden units, 26 classes; 16×16 pixels."""
    random = np.random.default_rng(0)
    X = (random.random((130, 256)) * 255 * (random.random((130, 256)) < 0.3)).astype(np.uint8)
    y = np.arange(130) % 26
    model = trained(X, y, hidden=64, image_shape=(16, 16), scaling=PIXEL_SCALE)
    names = tuple(map(str, range(130)))
    samples = data.Samples(X, y, model.class_names, (16, 16), names, "made")
    path = tmp_path_factory.mktemp("letters") / "letters.html"
    export_html(model, path, samples)
    return path


@pytest.mark.parametrize("kind", ["table", "letters"])
@pytest.mark.parametrize("width", [360, 1280])
def test_networks_of_other_shapes_show_everything(
    new_page, table_page, letters_page, artefacts, kind, width
):
    path = {"table": table_page, "letters": letters_page}[kind]
    with new_page(viewport={"width": width, "height": 900}) as page:
        page.goto(path.as_uri())
        oracle = Oracle(page)
        for name, fragment in FRAGMENTS.items():
            show(page, fragment)
            page.screenshot(path=artefacts / f"{kind}-{name}-{width}.png", full_page=True)
            wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wider <= 0, f"{name} is {wider} pixels wider than the screen"
        m = 6
        go_to(page, f"view=pass&sample=3&m={m}")
        samples = batch(page)
        expected = oracle.pass_of(oracle.X[samples], oracle.y[samples], 0.1)
        for step, name in ((1, "Z1"), (4, "A2"), (8, "dA1"), (10, "dW1")):
            row, column = (size - 1 for size in expected[name].shape)
            go_to(page, f"view=pass&sample=3&step={step}&m={m}&entry={name}.{row}.{column}")
            shown = value_of(page.locator(".sum-value"))
            assert shown == pytest.approx(expected[name][row, column], rel=1e-9, abs=1e-12)


def test_a_named_feature_can_be_changed(new_page, table_page):
    with new_page(viewport={"width": 1280, "height": 900}) as page:
        page.goto(table_page.as_uri())
        oracle = Oracle(page)
        page.get_by_label("weight as a number").fill("3.5")
        page.keyboard.press("Enter")
        settled(page)
        x = oracle.X[0].copy()
        x[3] = 3.5
        A2 = notes.forward(oracle.network, x[None, :]).A2[:, 0]
        best = page.locator(".class.best .class-name").inner_text()
        assert best == "ABC"[A2.argmax()]
        assert "edited=0_3%3A3.5" in page.url
        names = page.locator(".feature-name").all_inner_texts()
        assert names == oracle.payload["model"]["feature_names"]
