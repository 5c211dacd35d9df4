"""The exported page as somebody opens it who got it by mail."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from handgrad import Network, data, notes
from handgrad.export import export_html
from handgrad.glassbox import Trace
from handgrad.model import Model
from texts import embedded_data

# what stands in the page says that it was drawn: the steps are the page's own words
DRAWN = "() => document.querySelector('main').innerText.trim().length > 0"


def test_it_opens_from_disk_without_a_request(new_page, exported_page):
    with new_page() as page:
        requests = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(exported_page.address)
        page.wait_for_function(DRAWN)
        page.wait_for_load_state("networkidle")
        own = (exported_page.address, "blob:", "data:")
        assert [url for url in requests if not url.startswith(own)] == []


def test_it_is_below_a_megabyte_with_500_digits(exported_page):
    text = exported_page.path.read_text(encoding="utf-8")
    payload = json.loads(embedded_data(text))
    assert payload["samples"]["count"] == 500
    assert exported_page.path.stat().st_size < 1_000_000


def test_its_policy_is_in_force(page, exported_page):
    """A script that is not the page's own must not run, nor may a request leave."""
    page.goto(exported_page.address)
    page.wait_for_function(DRAWN)
    ran = page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.intruder = true;";
            document.body.append(script);
            const button = document.createElement("button");
            button.setAttribute("onclick", "window.intruder = true;");
            document.body.append(button);
            button.click();
            return window.intruder === true;
        }"""
    )
    assert not ran
    refused = page.evaluate(
        """async () => {
            const violation = new Promise((resolve) => document.addEventListener(
                "securitypolicyviolation", (event) => resolve(event.effectiveDirective)));
            fetch("https://example.org/").catch(() => {});
            return await violation;
        }"""
    )
    assert refused == "connect-src"
    assert page.complaints, "Chromium says so on the console"
    assert all(re.search("Content Security Policy|Failed to fetch", c) for c in page.complaints)
    page.complaints.clear()


def test_a_class_name_cannot_break_out(new_page, tmp_path):
    names = ("</script><script>window.intruder = true</script>", "<img src=x onerror=alert(1)>")
    network = Network.initial(features=4, hidden=3, classes=2)
    path = tmp_path / "names.html"
    samples = data.Samples(
        np.eye(4), np.array([0, 1, 0, 1]), names, (2, 2), ("<b>", "&amp;", '"', "'"), "made"
    )
    export_html(Model(*network.parameters, class_names=names, image_shape=(2, 2)), path, samples)
    with new_page() as page:
        page.goto(path.as_uri())
        page.wait_for_function(DRAWN)
        assert not page.evaluate("window.intruder === true")
        assert page.locator("img").count() == 0


@pytest.mark.parametrize("with_samples", [True, False])
def test_tables_and_networks_without_samples_open_too(new_page, tmp_path, with_samples):
    random = np.random.default_rng(0)
    network = Network.initial(features=3, hidden=5, classes=2)
    samples = data.Samples(
        random.normal(size=(20, 3)),
        random.integers(2, size=20),
        ("0", "1"),
        None,
        tuple(map(str, range(20))),
        "made",
        ("width", "height", "age"),
    )
    path = tmp_path / "table.html"
    export_html(network, path, samples if with_samples else None)
    with new_page() as page:
        page.goto(path.as_uri())
        page.wait_for_function(DRAWN)


def test_a_notebook_shows_it_in_a_frame(new_page, digits_model, tmp_path):
    """As Jupyter does: the frame's text stands in an attribute of another page."""
    samples = data.load_samples("mnist-5k")
    assert samples.y is not None
    trace = Trace(digits_model, samples.X[:3], samples.y[:3])
    notebook = tmp_path / "notebook.html"
    notebook.write_text(
        f"<!doctype html><meta charset='utf-8'><title>n</title>{trace._repr_html_()}",
        encoding="utf-8",
    )
    with new_page(viewport={"width": 1000, "height": 900}) as page:
        page.goto(notebook.as_uri())
        frame = page.frames[1]
        frame.wait_for_function(DRAWN)
        shown = frame.evaluate("JSON.parse(document.getElementById('handgrad-data').textContent)")
        assert shown["samples"]["y"] == samples.y[:3].tolist()
        assert shown["show"] == {"samples": [0, 1, 2], "step": 0}


def test_training_in_the_page_makes_the_steps_of_the_notes(page, exported_page):
    """The worker of the one-file page runs, from disk, under the policy."""
    page.goto(exported_page.address)
    page.wait_for_function(DRAWN)
    worker_text = page.evaluate("document.getElementById('handgrad-worker').textContent")
    result = page.evaluate(
        """(text) => new Promise((resolve, reject) => {
            const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
            const worker = new Worker(address);
            const matrix = (rows, cols, numbers) => (
                { rows, cols, data: Float64Array.from(numbers) });
            worker.onerror = (event) => reject(new Error(event.message));
            worker.onmessage = ({ data }) => data.iteration === 3 && resolve(
                { costs: data.costs, W1: Array.from(data.network.W1.data) });
            const values = {
                network: { W1: matrix(2, 2, [1, -1, 0.5, 2]), b1: matrix(2, 1, [0, 0.1]),
                           W2: matrix(2, 2, [1, 0, -1, 1]), b2: matrix(2, 1, [0, 0]) },
                X: matrix(3, 2, [1, 0, 0, 1, 1, 1]),
                y: Int32Array.from([0, 1, 1]),
                learningRate: 0.5,
            };
            worker.postMessage({ method: "create", values: [values], generation: 0 });
            worker.postMessage({ method: "step", values: [3], generation: 0 });
        })""",
        worker_text,
    )
    given = ([[1, -1], [0.5, 2.0]], [[0], [0.1]], [[1, 0], [-1.0, 1]], [[0], [0.0]])
    network = Network(*map(np.array, given))
    X, y = np.array([[1.0, 0], [0, 1], [1, 1]]), np.array([0, 1, 1])
    for _ in range(3):
        gradient = notes.backward(network, X, y, notes.forward(network, X))
        network = notes.descend(network, gradient, 0.5)
    np.testing.assert_allclose(result["W1"], network.W1.ravel(), rtol=1e-12)
    assert result["costs"][-1][1] == pytest.approx(notes.cost(network, X, y), rel=1e-12)
