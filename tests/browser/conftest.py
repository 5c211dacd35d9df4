"""Chromium for the tests of the page: without a network, and without a word on its console.

Where Playwright or Chromium is missing these tests are skipped, unless the variable
HANDGRAD_REQUIRE_BROWSER is set: then they fail.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from handgrad import Network, data, get_engine
from handgrad.export import export_html
from handgrad.model import Model
from handgrad.rows import PIXEL_SCALE

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUIRED = bool(os.environ.get("HANDGRAD_REQUIRE_BROWSER"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECONDS = 60  # for what takes far less: no test passes or fails by the clock


class ExportedPage(NamedTuple):
    """A page of one file, and what is in it."""

    path: Path
    model: Model
    samples: data.Samples

    @property
    def address(self) -> str:
        return self.path.as_uri()


def _missing(reason: str) -> None:
    if REQUIRED:
        pytest.fail(f"{reason}, and HANDGRAD_REQUIRE_BROWSER is set")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, headless, driven by Playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed (the extra 'browser')")
    chromium = os.environ.get("HANDGRAD_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        _missing("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def watched_page(browser, *, offline=True, **options) -> Iterator[Any]:
    """Open a page in a context of its own; whatever it complains of fails the test at the end.

    Parameters
    ----------
    browser : playwright.sync_api.Browser
    offline : bool
        Whether the network is off.
    **options
        For `new_context`, such as ``viewport`` and ``color_scheme``.
    """
    context = browser.new_context(offline=offline, **options)
    context.set_default_timeout(1000 * SECONDS)
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.complaints = complaints  # for the tests that expect one: take it out
    try:
        yield page
    finally:
        context.close()
    assert complaints == []


@pytest.fixture
def page(browser):
    """A page of 1280 by 800 pixels with the network off; it must not complain."""
    with watched_page(browser, viewport={"width": 1280, "height": 800}) as page:
        yield page


@pytest.fixture
def new_page(browser):
    """A function that opens such a page with options of its own, as `watched_page` takes them."""

    @contextmanager
    def new_page(**options):
        with watched_page(browser, **options) as page:
            yield page

    return new_page


@pytest.fixture(scope="session")
def digits_model() -> Model:
    """The network that `handgrad train` makes: it reads nine of ten digits, and no unit is dead."""
    dataset = data.load("mnist-5k")
    network, _ = get_engine().descend(
        Network.initial(seed=0), dataset.X_train, dataset.y_train, learning_rate=0.1, iterations=500
    )
    return Model(
        *network.parameters,
        class_names=dataset.class_names,
        image_shape=dataset.image_shape,
        scaling=PIXEL_SCALE,
        training={"source": "mnist-5k", "learning_rate": 0.1, "iterations": 500},
    )


@pytest.fixture(scope="session")
def exported_page(digits_model, tmp_path_factory) -> ExportedPage:
    """The page of that network with 500 digits, as `handgrad export` writes it."""
    path = tmp_path_factory.mktemp("page") / "digits.html"
    samples = data.load_samples("mnist-5k")
    export_html(digits_model, path, samples)
    return ExportedPage(path, digits_model, samples)


@pytest.fixture
def opened_page(page, exported_page):
    """The exported page, opened from disk with the network off."""
    page.goto(exported_page.address)
    return page


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory) -> Path:
    """A folder for screenshots to look at: HANDGRAD_ARTEFACTS, or one that pytest keeps."""
    named = os.environ.get("HANDGRAD_ARTEFACTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The script of axe-core, from the folder that HANDGRAD_AXE names (tests alone need it)."""
    named = os.environ.get("HANDGRAD_AXE")
    if not named:
        _missing("HANDGRAD_AXE does not name a copy of axe-core's axe.min.js")
    path = Path(str(named))
    script = path / "axe.min.js" if path.is_dir() else path
    if not script.is_file():
        _missing(f"{script} is not there")
    return script.read_text(encoding="utf-8")
