"""Draws the README's pictures of the glass box, light and dark, from the page itself.

The upper half is the view Draw. The lower half shows three steps of the backward pass for the same
digit. Run it with the extra ``browser`` and Debian's Chromium, or with another Chromium that
HANDGRAD_CHROMIUM names::

    python docs/pictures/make.py
"""

from __future__ import annotations

import base64
import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image
from playwright.sync_api import sync_playwright

from handgrad import Network, data, get_engine
from handgrad.export import export_html
from handgrad.model import Model
from handgrad.rows import PIXEL_SCALE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parent
SAMPLE = 154  # the network is wrong about it, so that its gradient is large
CAPTION = "A 3 that the network takes for a 5"
BACKWARD = {6: "B1 · the slope of each logit", 8: "B4 · back through W2", 9: "B5 · ReLU mask"}
WIDTH, HEIGHT = 1040, 900
SCALE = 1.6  # pixels per CSS pixel
COLOURS = 200  # of the PNG: enough for 27 steps of colour and smooth letters
LAYOUT = """<!doctype html><meta charset="utf-8"><style>
* { margin: 0; box-sizing: border-box; }
body { width: 1040px; padding: 20px; font: 16px/1.3 system-ui, "Liberation Sans", sans-serif; }
.part { border: 1px solid; border-radius: 14px; padding: 18px 22px; }
.part + .part { margin-top: 16px; }
.row { display: flex; justify-content: space-between; align-items: center; gap: 20px; }
.steps { align-items: stretch; }
.steps div { display: flex; flex-direction: column; justify-content: space-between; }
h2 { font-size: 19px; margin-bottom: 14px; }
h3 { font-size: 14px; font-weight: 500; margin-bottom: 10px; opacity: 0.75; }
img { display: block; }
</style>"""


def trained_model() -> Model:
    """Return the network that ``handgrad train`` makes."""
    digits = data.load("mnist-5k")
    network, _ = get_engine().descend(
        Network.initial(seed=0), digits.X_train, digits.y_train, learning_rate=0.1, iterations=500
    )
    return Model(
        *network.parameters,
        class_names=digits.class_names,
        image_shape=digits.image_shape,
        scaling=PIXEL_SCALE,
    )


def picture_of(page: Page, selector: str, scale: float = 1.0) -> str:
    """Return a part of the page as an image element."""
    part = page.locator(selector).first
    box = part.bounding_box() or {"width": 0}
    content = base64.b64encode(part.screenshot()).decode()
    return f'<img width="{box["width"] * scale}" src="data:image/png;base64,{content}">'


def layout_of(page: Page, address: str) -> str:
    """Return the whole picture as HTML: parts of the page, and its own colours around them."""
    page.goto(f"{address}#view=draw&sample={SAMPLE}")
    page.add_style_tag(content=".stage { width: max-content; padding: 6px; }")
    digit = f"<div><h3>{CAPTION}</h3>{picture_of(page, '.pad-surface', 0.8)}</div>"
    forward = digit + picture_of(page, ".overview")
    steps = []
    for step, title in BACKWARD.items():
        page.goto(f"{address}#view=pass&sample={SAMPLE}&step={step}")
        page.get_by_role("heading", name=f"Step {step + 1} of 12").wait_for()
        page.evaluate("() => new Promise(requestAnimationFrame)")
        steps.append(f"<div><h3>{title}</h3>{picture_of(page, '.stage', 0.68)}</div>")
    colours = page.evaluate(
        "['--ground', '--surface', '--text', '--line'].map("
        "(name) => getComputedStyle(document.documentElement).getPropertyValue(name))"
    )
    ground, surface, text, line = colours
    return (
        f"{LAYOUT}<style>body {{ background: {ground}; color: {text}; }}"
        f".part {{ background: {surface}; border-color: {line}; }}</style>"
        f'<div class="part"><h2>Forward</h2><div class="row">{forward}</div></div>'
        f'<div class="part"><h2>Backward</h2><div class="row steps">{"".join(steps)}</div></div>'
    )


def save_picture(browser: Browser, address: str, theme: Literal["light", "dark"]) -> None:
    """Save the picture in one theme."""
    with browser.new_context(
        color_scheme=theme,
        viewport={"width": WIDTH, "height": HEIGHT},
        device_scale_factor=SCALE,
        bypass_csp=True,
    ) as context:
        page = context.new_page()
        page.set_content(layout_of(page, address))
        shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    shot.quantize(COLOURS).save(FOLDER / f"glass-box-{theme}.png", optimize=True)


def main() -> None:
    """Train the network, write the page and save both pictures."""
    chromium = os.environ.get("HANDGRAD_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        path = Path(scratch) / "digits.html"
        export_html(trained_model(), path, data.load_samples("mnist-5k"))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        save_picture(browser, path.as_uri(), "light")
        save_picture(browser, path.as_uri(), "dark")
        browser.close()


if __name__ == "__main__":
    main()
