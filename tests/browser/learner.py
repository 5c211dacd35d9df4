"""What a learner does on the page and reads from it, and the same numbers from the notes."""

from __future__ import annotations

import base64
import json
import math
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from handgrad import Network, notes
from texts import found_in

if TYPE_CHECKING:
    from collections.abc import Sequence

VIEWS = ("Draw", "The pass", "The mask", "Labels", "Descend", "Break it", "Confusions")

# A 3, as points of strokes from 0 to 1 across and down.
THREE = [
    [
        *(
            (0.5 + 0.19 * math.cos(t), 0.32 + 0.16 * math.sin(t))
            for t in np.linspace(-2.6, 1.5, 16)
        ),
        *(
            (0.5 + 0.21 * math.cos(t), 0.66 + 0.19 * math.sin(t))
            for t in np.linspace(-1.5, 2.6, 18)
        ),
    ]
]


class Oracle:
    """The network and the samples that a page carries, and the notes' numbers for them."""

    def __init__(self, page: Any) -> None:
        text = page.evaluate("document.getElementById('handgrad-data').textContent")
        self.payload = json.loads(text)

    @cached_property
    def network(self) -> Network:
        model = self.payload["model"]
        D, H, K = model["features"], model["hidden"], model["classes"]
        shapes = {"W1": (H, D), "b1": (H, 1), "W2": (K, H), "b2": (K, 1)}
        return Network(
            *(
                _decoded(model[name], model["dtype"]).reshape(shape).astype(np.float64)
                for name, shape in shapes.items()
            )
        )

    @cached_property
    def X(self) -> np.ndarray:
        samples = self.payload["samples"]
        X = _decoded(samples["X"], samples["dtype"]).reshape(samples["count"], -1)
        return X / 255 if samples["dtype"] == "uint8" else X.astype(np.float64)

    @property
    def y(self) -> np.ndarray:
        return np.array(self.payload["samples"]["y"])

    def pass_of(self, X: np.ndarray, y: np.ndarray, learning_rate: float) -> dict[str, np.ndarray]:
        """Return every matrix of the notes' pass by the name that the page gives it."""
        network = self.network
        activations = notes.forward(network, X)
        dZ2 = notes.output_gradient(activations.A2, y)
        backward = notes.propagate(network, X, activations, dZ2)
        after = notes.descend(network, backward.gradient, learning_rate)
        losses = notes.losses(activations.Z2, y)
        return {
            "X": X,
            **dict(zip(("W1", "b1", "W2", "b2"), network.parameters, strict=True)),
            **activations._asdict(),
            "losses": losses[None, :],
            "C": np.array([[losses.mean()]]),
            **backward._asdict(),
            **{f"{name} after": getattr(after, name) for name in ("W1", "b1", "W2", "b2")},
        }


def _decoded(text: str, dtype: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=np.dtype(dtype).newbyteorder("<"))


def unpacked(text: str, size: int) -> np.ndarray:
    """Read a drawn picture from an address: bytes in base64url, a 0 followed by its run."""
    encoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    values: list[int] = []
    place = 0
    while place < len(encoded):
        if encoded[place] == 0:
            values += [0] * encoded[place + 1]
            place += 2
        else:
            values.append(encoded[place])
            place += 1
    assert len(values) == size
    return np.array(values) / 255


def samples_named(page: Any, selector: str) -> list[int]:
    """Return the places among the embedded samples of those that are shown, by their names."""
    labels = page.locator(selector).evaluate_all(
        "(buttons) => buttons.map((button) => button.getAttribute('aria-label'))"
    )
    names = Oracle(page).payload["samples"]["names"]
    return [names.index(found_in(label, r"Sample (\w+)")) for label in labels]


def batch(page: Any) -> list[int]:
    """Read which samples are in the batch, column by column, from the strip above the step."""
    return samples_named(page, ".batch-strip button")


def open_view(page: Any, name: str) -> None:
    page.get_by_role("navigation", name="Views").get_by_role("button", name=name).click()
    page.locator("h1").first.wait_for()


def draw(page: Any, strokes: Sequence[Sequence[tuple[float, float]]] = THREE) -> None:
    """Draw with the mouse, on an empty pad."""
    page.get_by_role("button", name="Clear", exact=True).click()
    box = page.locator(".pad-surface").bounding_box()
    for stroke in strokes:
        for n, (x, y) in enumerate(stroke):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=2)
            if n == 0:
                page.mouse.down()
        page.mouse.up()


def settled(page: Any) -> None:
    """Wait until the frame is drawn that shows the last change, and let the address follow it."""
    page.evaluate(
        "() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {"
        "    window.dispatchEvent(new Event('pagehide'));"  # who leaves the page leaves no change
        "    resolve();"
        "})))"
    )


def go_to(page: Any, fragment: str) -> None:
    """Follow a link to another place of the page that is open."""
    page.evaluate(
        """(fragment) => new Promise((resolve) => {
            if (window.location.hash === `#${fragment}`) {
                resolve();
            }
            window.addEventListener("hashchange", resolve, { once: true });
            window.location.hash = fragment;
        })""",
        fragment,
    )
    settled(page)


def fragment_of(page: Any) -> dict[str, str]:
    """Read what the address says of the state."""
    return {key: value[0] for key, value in parse_qs(urlsplit(page.url).fragment).items()}


def probabilities(page: Any) -> list[str]:
    return list(page.locator(".class-value").all_inner_texts())


def value_of(locator: Any) -> float:
    """Return the exact number behind one that is shown."""
    return float(locator.get_attribute("value"))


def shown_number(text: str) -> float:
    """Read a number as the page writes it."""
    return float(text.replace("−", "-").replace(",", "").removesuffix(" %"))
