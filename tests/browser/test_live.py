"""The live page as a learner uses it: it shows a run, steers it, and says when the line is lost."""

from __future__ import annotations

import re
from contextlib import contextmanager

import numpy as np
import pytest

from browser.learner import Oracle
from handgrad import Network, data, get_engine
from handgrad.glassbox.live.run import LiveRun
from handgrad.glassbox.live.server import LiveServer
from handgrad.glassbox.payload import build_payload
from handgrad.model import Model
from handgrad.rows import PIXEL_SCALE
from handgrad.solvers import Training

LOST = "The connection to the run is lost"


@pytest.fixture(scope="module")
def dataset():
    return data.load("mnist-5k")


@pytest.fixture
def run(dataset):
    network = Network.initial(features=784, hidden=10, classes=10, seed=0)
    run = LiveRun(
        network, dataset, engine=get_engine(), training=Training(learning_rate=0.1, iterations=500)
    )
    yield run
    run.close()


@contextmanager
def serving(run, *, port=0, token=None):
    def describe(network):
        W1, b1, W2, b2 = network.parameters
        model = Model(
            W1,
            b1,
            W2,
            b2,
            class_names=run.dataset.class_names,
            image_shape=run.dataset.image_shape,
            scaling=PIXEL_SCALE,
        )
        return build_payload(model, run.dataset.X_test, run.dataset.y_test, live=True)

    server = LiveServer(run, describe, port=port, token=token)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def server(run):
    with serving(run) as server:
        yield server


@pytest.fixture
def live_page(new_page, server):
    with new_page(offline=False, viewport={"width": 1280, "height": 900}) as page:
        requests = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(server.address)
        page.get_by_role("button", name="Descend", exact=True).click()
        page.get_by_text("Stopped at step 0 of 500.").wait_for()
        yield page
        assert all(url.startswith((server.address, "data:", "blob:")) for url in requests)


def weight_pictures(page):
    """The pixels of all canvases that the view shows."""
    return page.evaluate(
        """[...document.querySelectorAll("#content canvas")]
            .map((canvas) => canvas.toDataURL())"""
    )


def test_the_page_shows_the_run_as_it_continues(live_page, run, artefacts):
    before = weight_pictures(live_page)
    live_page.get_by_role("button", name="Start", exact=True).click()
    live_page.get_by_text(re.compile(r"Running: step [1-9]\d* of 500")).wait_for()
    live_page.get_by_text("Stopped at step 500 of 500.").wait_for()
    after = weight_pictures(live_page)
    assert sum(a != b for a, b in zip(before, after, strict=True)) >= 10
    live_page.screenshot(path=artefacts / "live-1280.png", full_page=True)
    assert run.state().iteration == 500


def test_a_run_is_stopped_and_continues_from_the_page(live_page, run):
    live_page.get_by_role("button", name="Start", exact=True).click()
    live_page.get_by_text(re.compile(r"Running: step [1-9]\d* of 500")).wait_for()
    live_page.get_by_role("button", name="Stop", exact=True).click()
    live_page.get_by_text(re.compile(r"Stopped at step \d+ of 500\.")).wait_for()
    reached = run.state().iteration
    assert 0 < reached < 500
    live_page.get_by_role("button", name="Start", exact=True).click()
    live_page.get_by_text("Stopped at step 500 of 500.").wait_for()
    live_page.get_by_role("button", name="Back to the start").click()
    live_page.get_by_text("Stopped at step 0 of 500.").wait_for()
    assert run.snapshot().network.W1[0, 0] == Network.initial(seed=0).W1[0, 0]


def test_the_page_says_that_the_line_is_lost_and_finds_it_again(new_page, run):
    with new_page(offline=False) as page:
        with serving(run) as first:
            page.goto(first.address)
            page.get_by_role("button", name="Descend", exact=True).click()
            page.get_by_text("Stopped at step 0 of 500.").wait_for()
            assert not page.get_by_text(LOST).is_visible()
            token = first.address.rstrip("/").rpartition("/")[2]
        page.get_by_text(LOST).wait_for()
        with serving(run, port=first.port, token=token) as again:
            assert again.address == first.address
            page.get_by_text(LOST).wait_for(state="hidden")
            page.get_by_role("button", name="Start", exact=True).click()
            page.get_by_text("Stopped at step 500 of 500.").wait_for()
        # the browser itself reports each attempt that failed
        page.complaints[:] = [text for text in page.complaints if "ERR_" not in text]


def test_a_sample_of_the_whole_data_set_is_opened(live_page, dataset):
    live_page.get_by_role("button", name="Draw", exact=True).click()
    live_page.get_by_role("button", name="Browse the whole data set").click()
    live_page.locator("label", has_text="From").locator("select").select_option("train")
    live_page.locator("label", has_text="Class").locator("select").select_option("7")
    place = np.flatnonzero(dataset.y_train == 7)[2]
    live_page.get_by_role("button", name=f"Training sample {place}, 7", exact=True).click()
    live_page.get_by_text(f"sample {place}").first.wait_for()


def test_a_page_that_is_loaded_again_shows_where_the_run_is(live_page, run):
    live_page.get_by_role("button", name="Start", exact=True).click()
    live_page.get_by_text("Stopped at step 500 of 500.").wait_for()
    live_page.reload()
    live_page.get_by_text("Stopped at step 500 of 500.").wait_for()
    np.testing.assert_array_equal(Oracle(live_page).network.W1, run.snapshot().network.W1)


@pytest.mark.parametrize(
    ("training", "words", "has_rate"),
    [
        (Training("adam", epochs=3), "Stopped at epoch 3 of 3.", True),
        (Training("lbfgs", iterations=3), "Stopped at step 3 of 3.", False),
    ],
)
def test_other_solvers_count_their_own_iterations(new_page, dataset, training, words, has_rate):
    network = Network.initial(features=784, hidden=10, classes=10, seed=0)
    run = LiveRun(network, dataset, engine=get_engine(), training=training, replayed=False)
    with serving(run) as server, new_page(offline=False) as page:
        page.goto(server.address)
        page.get_by_role("button", name="Descend", exact=True).click()
        page.get_by_text("Stopped at").wait_for()
        assert page.get_by_label("Learning rate η as a number").is_visible() == has_rate
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_text(words).wait_for()
        unit = "Epochs" if "epoch" in words else "Steps"
        assert page.locator("dl.figures dt").first.inner_text() == unit
    run.close()
