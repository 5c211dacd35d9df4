"""The live page as browsers and strangers meet it, over real sockets."""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import Network, data, get_engine, notes
from handgrad.data import Dataset
from handgrad.errors import HandgradError
from handgrad.glassbox.document import PAGE
from handgrad.glassbox.live.guard import HEADERS, LARGEST_BODY
from handgrad.glassbox.live.run import LiveRun
from handgrad.glassbox.live.server import LiveServer, page_files
from handgrad.glassbox.payload import build_payload
from texts import embedded_data

PATIENCE = 60  # seconds, for what takes far less: no test passes or fails by the clock
GET_ROUTES = ("", "main.js", "style.css", "live.js", "math/passes.js", "samples?count=1")
POST_ROUTES = ("start", "stop", "reset", "learning-rate")
ROUTES = (*GET_ROUTES, "events", *POST_ROUTES, "nothing-here")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


@pytest.fixture(scope="module")
def dataset():
    random = np.random.default_rng(5)
    X = random.integers(256, size=(90, 6), dtype=np.uint8)
    y = random.integers(3, size=90)
    return Dataset(X[:60], y[:60], X[60:], y[60:], ("a", "b", "c"), (2, 3))


@contextmanager
def serving(dataset, *, port=0, iterations=10**6, **settings):
    network = Network.initial(features=dataset.X_train.shape[1], hidden=4, classes=3, seed=1)
    run = LiveRun(
        network,
        dataset,
        engine=get_engine("auto"),
        learning_rate=0.1,
        iterations=iterations,
        paced=False,
        **settings,
    )

    def describe(network):
        return build_payload(network, dataset.X_test, dataset.y_test, live=True)

    server = LiveServer(run, describe, port=port)
    try:
        yield run, server
    finally:
        run.close()
        server.close()


@pytest.fixture(scope="module")
def quiet(dataset):
    """A server whose run does nothing, for questions of who may ask what."""
    with serving(dataset, held=True) as (_, server):
        yield server


@pytest.fixture
def live(dataset):
    with serving(dataset) as (run, server), client(server) as asking:
        yield run, server, asking


def client(server):
    return httpx.Client(base_url=server.address, timeout=PATIENCE)


def token(server):
    return server.address.rstrip("/").rpartition("/")[2]


def exchange(server, head, body=b"", *, headers_only=False):
    """Send bytes as they are; return status, headers and body of the answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(head)
        try:
            connection.sendall(body)
            received = b""
            while b"\r\n\r\n" not in received:
                part = connection.recv(65536)
                if not part:
                    break
                received += part
            head, _, rest = received.partition(b"\r\n\r\n")
            if headers_only:
                return int(head.split()[1]), head, rest
            length = re.search(rb"content-length: (\d+)", head)
            while length and len(rest) < int(length[1]) and (part := connection.recv(65536)):
                rest += part
        except ConnectionError:  # closed before all was sent: refused, without a word
            return None, b"", b""
    return int(head.split()[1]), head, rest


def ask(server, target, *, method="GET", host=None, headers=()):
    """Ask for a target exactly as it is written."""
    host = host or f"127.0.0.1:{server.port}"
    lines = [b"%s %s HTTP/1.1" % (method.encode(), target), b"Host: " + host.encode()]
    lines += [header.encode() for header in headers]
    head = b"\r\n".join([*lines, b"", b""])
    return exchange(server, head, headers_only=method == "HEAD")


class Viewer:
    """Reads events in a thread of its own, as a page does."""

    def __init__(self, server):
        self.events, self.closed = [], False
        self._news = threading.Condition()
        self._address = server.address + "events"
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        with httpx.stream("GET", self._address, timeout=PATIENCE) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            name = None
            for line in response.iter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    with self._news:
                        self.events.append((name, json.loads(value)))
                        self._news.notify_all()
        with self._news:
            self.closed = True
            self._news.notify_all()

    def wait(self, condition):
        """Wait until the condition holds of an event; return the first such event's data."""
        with self._news:
            assert self._news.wait_for(
                lambda: any(condition(*event) for event in self.events), PATIENCE
            )
            return next(sent for name, sent in self.events if condition(name, sent))

    def sent(self, name):
        with self._news:
            return [data for kind, data in self.events if kind == name]

    def wait_for_the_end(self):
        self._thread.join(PATIENCE)
        return self.closed


def decoded(model):
    dtype = np.dtype(model["dtype"]).newbyteorder("<")
    shapes = {
        "W1": (model["hidden"], model["features"]),
        "b1": (model["hidden"], 1),
        "W2": (model["classes"], model["hidden"]),
        "b2": (model["classes"], 1),
    }
    return Network(
        *(
            np.frombuffer(base64.b64decode(model[name]), dtype).reshape(shape)
            for name, shape in shapes.items()
        )
    )


def test_the_page_holds_the_runs_network_and_may_load_nothing_from_elsewhere(quiet):
    with client(quiet) as asking:
        response = asking.get("")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    for name, value in HEADERS:
        assert response.headers[name.decode()] == value.decode()
    payload = json.loads(embedded_data(response.text))
    assert payload["live"] is True
    assert payload["model"]["features"] == 6


def test_every_file_of_the_page_is_served_with_its_type(quiet):
    files = [path for path in PAGE.rglob("*") if path.suffix in {".js", ".css"}]
    assert len(files) > 10
    with client(quiet) as asking:
        for path in files:
            response = asking.get(path.relative_to(PAGE).as_posix())
            assert response.content == path.read_bytes()
            kind = {"js": "text/javascript", "css": "text/css"}[path.suffix[1:]]
            assert response.headers["content-type"] == f"{kind}; charset=utf-8"


def each_method(variants):
    """Combine all variants with two methods, and one of them with each other method."""
    for place, method in enumerate(METHODS):
        chosen = variants if method in ("GET", "POST") else [variants[place % len(variants)]]
        yield from ((method, variant) for variant in chosen)


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_is_let_in_without_the_token(quiet, route):
    route = b"/" + route.encode()
    right = token(quiet).encode()
    wrong = [
        route,
        b"/" + route,
        b"/" + b"x" * len(right) + route,
        b"/" + right[:-1] + route,
        b"/" + right + b"x" + route,
        b"/" + right.swapcase() + route,
        b"/%%%02x" % right[0] + right[1:] + route,
        b"//" + right + route,
        b"/x/../" + right + route,
        b"/main.js/" + right + route,
    ]
    for method, target in each_method(wrong):
        status, head, _ = ask(quiet, target, method=method)
        assert status == 403
        assert b"content-security-policy: default-src 'none'" in head


@pytest.mark.parametrize("route", ROUTES)
def test_only_the_own_host_is_served(quiet, route):
    port = quiet.port
    wrong = [
        "example.org",
        f"example.org:{port}",
        "127.0.0.1",
        f"127.0.0.1:{port + 1}",
        f"127.0.0.1:{port}.example.org",
        f"localhost.:{port}",
        f"[::1]:{port}",
        f"0.0.0.0:{port}",
    ]
    for method, host in each_method(wrong):
        target = f"/{token(quiet)}/{route}".encode()
        assert ask(quiet, target, method=method, host=host)[0] == 403


@pytest.mark.parametrize("route", ROUTES)
def test_other_origins_are_refused_and_so_is_null(quiet, route):
    port = quiet.port
    own = f"Origin: http://127.0.0.1:{port}"
    wrong = [
        ["Origin: null"],
        ["Origin:"],
        ["Origin: http://example.org"],
        [f"Origin: https://127.0.0.1:{port}"],
        [f"Origin: http://127.0.0.1:{port + 1}"],
        ["Origin: http://127.0.0.1"],
        [f"Origin: http://127.0.0.1:{port}/"],
        [f"Origin: http://localhost:{port}"],  # another origin than the one asked
        [f"Origin: HTTP://127.0.0.1:{port}"],
        [own, "Origin: null"],
    ]
    for method, headers in each_method(wrong):
        target = f"/{token(quiet)}/{route}".encode()
        assert ask(quiet, target, method=method, headers=headers)[0] == 403


def test_the_own_origin_is_let_in_by_both_names_of_loopback(quiet):
    target = f"/{token(quiet)}/stop".encode()
    for name in ("127.0.0.1", "localhost"):
        host = f"{name}:{quiet.port}"
        headers = [f"Origin: http://{host}", "Content-Length: 0"]
        assert ask(quiet, target, method="POST", host=host, headers=headers)[0] == 200


def test_a_request_without_a_host_or_with_two_is_refused(quiet):
    target = f"/{token(quiet)}/".encode()
    assert exchange(quiet, b"GET " + target + b" HTTP/1.0\r\n\r\n")[0] == 403
    host = f"127.0.0.1:{quiet.port}"
    assert ask(quiet, target, headers=[f"Host: {host}"])[0] in (400, 403)


@pytest.mark.parametrize(
    ("routes", "allowed"),
    [(GET_ROUTES, {"GET", "HEAD"}), (POST_ROUTES, {"POST"}), (("nothing-here",), set())],
)
def test_each_route_takes_its_own_methods_alone(quiet, routes, allowed):
    for route in routes:
        for method in METHODS:
            target = f"/{token(quiet)}/{route}".encode()
            status, head, _ = ask(quiet, target, method=method, headers=["Content-Length: 0"])
            refused = 404 if not allowed else 405
            expected = {200, 400} if method in allowed else {refused}
            assert status in expected, (route, method)
            assert b"x-content-type-options: nosniff" in head


def test_who_asks_for_the_headers_of_the_events_does_not_watch(quiet):
    target = f"/{token(quiet)}/events".encode()
    status, head, _ = ask(quiet, target, method="HEAD")
    assert status == 200
    assert b"content-type: text/event-stream" in head
    assert not quiet.wait_for_viewer(0)
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(quiet, target, method=method, headers=["Content-Length: 0"])[0] == 405


TRICKS = [
    "..",
    "../",
    "../server.py",
    "../../glassbox/server.py",
    "./main.js",
    "math/../main.js",
    "math/",
    "math",
    "/main.js",
    "//main.js",
    "main.js/",
    "main.js/..",
    "main.js%00.css",
    "main%2ejs",
    "%6dain.js",
    "%2e%2e/server.py",
    "..%2fserver.py",
    "%2e%2e%2fserver.py",
    "%252e%252e%252fserver.py",
    "..%5cserver.py",
    "..\\server.py",
    "..;/server.py",
    "....//server.py",
    "/etc/passwd",
    "//etc/passwd",
    "%2fetc%2fpasswd",
    "file:///etc/passwd",
    "..%c0%afserver.py",
    "index.html",
    "MAIN.JS",
    "main.js ",
    ".git/config",
    "__init__.py",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_no_way_of_writing_a_path_leads_elsewhere(quiet, trick):
    target = f"/{token(quiet)}/{trick}".encode()
    status, _, body = ask(quiet, target)
    assert status in (400, 404)
    assert b"import" not in body
    assert b"root:" not in body


def test_a_whole_address_as_target_is_refused(quiet):
    target = quiet.address.encode()
    assert ask(quiet, target)[0] == 403
    assert ask(quiet, b"http://example.org/" + target)[0] == 403


path_characters = st.characters(min_codepoint=33, max_codepoint=126)
path_parts = st.one_of(
    st.text(path_characters),
    st.sampled_from(["..", ".", "", "%2e%2e", "%2f", "\\", "main.js", "math", "server.py", "%00"]),
)


@given(st.lists(path_parts, max_size=6).map("/".join))
def test_whatever_is_asked_nothing_but_the_page_is_answered(quiet, path):
    status, _, body = ask(quiet, f"/{token(quiet)}/{path}".encode())
    asked = path.partition("?")[0].partition("#")[0]
    if status == 200 and asked not in ("", "samples"):
        assert body == page_files()[asked][0]
    else:
        assert status in (200, 400, 404, 405)


def test_links_and_foreign_files_in_the_pages_folder_are_not_served(tmp_path):
    page = tmp_path / "page"
    page.mkdir()
    (page / "own.js").write_text("own")
    (page / "notes.txt").write_text("not of the page")
    (tmp_path / "secret.js").write_text("secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.js").write_text("secret")
    (page / "linked.js").symlink_to(tmp_path / "secret.js")
    (page / "folder").symlink_to(tmp_path / "elsewhere")
    (page / "inner").mkdir()
    (page / "inner" / "back.js").symlink_to(page / "own.js")
    assert list(page_files(page)) == ["own.js"]


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE"])
@pytest.mark.parametrize("route", ["", "main.js", "start", "learning-rate", "nothing-here"])
def test_a_body_above_1_mb_is_refused(quiet, method, route):
    head = f"{method} /{token(quiet)}/{route} HTTP/1.1\r\nHost: 127.0.0.1:{quiet.port}\r\n"
    size = LARGEST_BODY + 1
    declared = head + f"Content-Length: {size}\r\n\r\n"
    assert exchange(quiet, declared.encode())[0] == 413
    part = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
    status, _, _ = exchange(quiet, chunked.encode(), part * 17 + b"0\r\n\r\n")
    assert status in (413, None)


def test_a_body_of_1_mb_is_read(quiet):
    body = json.dumps({"learningRate": 0.25}).ljust(LARGEST_BODY).encode()
    with client(quiet) as asking:
        assert asking.post("learning-rate", content=body).status_code == 200
        assert asking.post("learning-rate", content=iter([body])).status_code == 200
        assert asking.post("learning-rate", content=iter([body, b" "])).status_code == 413


def test_the_address_without_its_last_slash_leads_to_the_page(quiet):
    response = httpx.get(quiet.address.rstrip("/"), timeout=PATIENCE, follow_redirects=True)
    assert response.status_code == 200
    assert str(response.url) == quiet.address


def test_two_servers_find_two_ports(dataset):
    with serving(dataset) as (_, first), serving(dataset, port=first.port) as (_, second):
        assert first.port != second.port
        assert token(first) != token(second)
        for server in (first, second):
            assert httpx.get(server.address, timeout=PATIENCE).status_code == 200
        strange = second.address.replace(token(second), token(first))
        assert httpx.get(strange, timeout=PATIENCE).status_code == 403


def test_a_viewer_sees_the_network_that_the_run_has_reached(live, dataset):
    run, server, asking = live
    viewer = Viewer(server)
    first = viewer.wait(lambda name, _: name == "progress")
    assert (first["iteration"], first["costs"]) == (0, [])
    assert asking.post("start").status_code == 200
    running = viewer.wait(lambda name, sent: name == "state" and sent["running"])
    assert running["part_sizes"] == {"train": 60, "test": 30}
    seen = viewer.wait(lambda name, sent: name == "progress" and sent["iteration"] > 50)
    expected, costs = get_engine("auto").descend(
        Network.initial(features=6, hidden=4, classes=3, seed=1),
        dataset.X_train,
        dataset.y_train,
        learning_rate=0.1,
        iterations=seen["iteration"],
    )
    np.testing.assert_array_equal(decoded(seen["model"]).W1, expected.W1)
    *points, (last, cost, accuracy) = seen["costs"]
    assert last == seen["iteration"]
    assert cost == pytest.approx(notes.cost(expected, dataset.X_train, dataset.y_train), rel=1e-4)
    right = notes.predict(expected, dataset.X_train) == dataset.y_train
    assert accuracy == pytest.approx(right.mean(), rel=1e-4)
    for iteration, shown, _ in points:
        assert shown == pytest.approx(costs[iteration], rel=1e-5)

    assert asking.post("stop").status_code == 200
    run.close()
    reached = run.state().iteration
    final = viewer.wait(lambda name, sent: name == "progress" and sent["iteration"] == reached)
    np.testing.assert_array_equal(decoded(final["model"]).W1, run.snapshot().network.W1)


def test_there_are_at_most_20_snapshots_a_second_however_fast_the_run_is(dataset):
    endless = 10**7  # steps: a million may be over before there were 60 snapshots
    with serving(dataset, iterations=endless) as (_, server), client(server) as asking:
        begin = time.monotonic()
        viewer = Viewer(server)
        viewer.wait(lambda name, _: name == "progress")
        asking.post("start")
        viewer.wait(lambda name, _: name == "progress" and len(viewer.events) >= 60)
        snapshots = viewer.sent("progress")  # before the clock is read, and before the last one
        seconds = time.monotonic() - begin
        asking.post("stop")
    assert len(snapshots) <= 20 * seconds + 2
    steps = [sent["iteration"] for sent in snapshots]
    assert steps == sorted(steps)
    assert steps[-1] > 20 * len(steps)  # the run took many steps between two snapshots


def test_a_viewer_that_reads_nothing_holds_nobody_up(live):
    run, server, asking = live
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as sleepy:
        sleepy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        target = f"/{token(server)}/events"
        sleepy.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
        viewer = Viewer(server)
        asking.post("start")
        viewer.wait(lambda name, _: name == "progress" and len(viewer.sent("progress")) > 12)
        asking.post("stop")
        assert run.state().iteration > 0


def test_the_learning_rate_changes_while_the_run_goes_on_and_no_step_is_lost(live):
    run, server, asking = live
    viewer = Viewer(server)
    asking.post("start")
    viewer.wait(lambda name, sent: name == "progress" and sent["iteration"] > 0)
    assert asking.post("learning-rate", json={"learningRate": 0.7}).status_code == 200
    told = viewer.wait(lambda name, sent: name == "state" and sent["learningRate"] == 0.7)
    assert told["running"]
    viewer.wait(
        lambda name, sent: name == "progress" and sent["iteration"] > told["iteration"] + 100
    )
    asking.post("stop")
    viewer.wait(lambda name, sent: name == "state" and not sent["running"] and sent["iteration"])
    steps = [point[0] for point in viewer.sent("progress")[-1]["costs"]]
    assert all(b > a for a, b in pairwise(steps))
    before = run.state().iteration
    asking.post("start")
    viewer.wait(lambda name, sent: name == "progress" and sent["iteration"] > before)


json_texts = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda part: st.one_of(
        st.lists(part, max_size=3), st.dictionaries(st.just("learningRate"), part, min_size=1)
    ),
    max_leaves=5,
).map(lambda value: json.dumps(value).encode())

STRANGE_RATES = (
    "9" * 400,  # a whole number that no float can hold
    "-" + "9" * 400,
    "1e-400",
    '"0.1"',
    '"' + "x" * 100_000 + '"',
    '"\\ud800"',
    '"\\u0000"',
    "[0.1]",
    '{"learningRate": 0.1}',
    '0.1, "learningRate": 0',
)


def test_bad_learning_rates_are_refused_with_a_sentence(quiet):
    with client(quiet) as asking:
        for body in (b"", b"[]", b"{}", b"no", b"\xff", b"[" * 100_000, b'{"learningRate": "1"}'):
            response = asking.post("learning-rate", content=body)
            assert response.status_code == 400
            assert response.json()["error"].endswith(".")
        for rate in ("0", "-1", "NaN", "Infinity", "1e999", "true", "null", *STRANGE_RATES):
            response = asking.post("learning-rate", content=f'{{"learningRate": {rate}}}')
            assert response.status_code == 400
            assert "expected" in response.json()["error"]
            assert len(response.content) < 300


def test_a_run_goes_back_to_its_beginning_only_while_it_stands_still(live):
    run, server, asking = live
    viewer = Viewer(server)
    initial = run.snapshot().network
    asking.post("start")
    viewer.wait(lambda name, sent: name == "progress" and sent["iteration"] > 0)
    refused = asking.post("reset")
    assert refused.status_code == 400
    assert "stop it" in refused.json()["error"]
    run.close()
    assert asking.post("reset").status_code == 200
    assert run.snapshot().network is initial
    assert (run.state().iteration, run.snapshot().curve) == (0, "[]")


def test_a_run_that_diverges_tells_the_page_so(dataset):
    wide = Dataset(
        dataset.X_train * 1e30,
        dataset.y_train,
        dataset.X_test * 1e30,
        dataset.y_test,
        dataset.class_names,
        dataset.image_shape,
    )
    with serving(wide) as (_, server), client(server) as asking:
        viewer = Viewer(server)
        asking.post("learning-rate", json={"learningRate": 1e30})
        asking.post("start")
        state = viewer.wait(lambda name, sent: name == "state" and sent["error"])
        assert "lower the learning rate" in state["error"]


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("label", [None, 0, 2])
def test_samples_are_those_of_the_data_set(quiet, dataset, part, label):
    X, y = {"train": (dataset.X_train, dataset.y_train), "test": (dataset.X_test, dataset.y_test)}[
        part
    ]
    places = np.arange(len(y)) if label is None else np.flatnonzero(y == label)
    query = {"part": part, "first": 3, "count": 4} | ({} if label is None else {"label": label})
    with client(quiet) as asking:
        answer = asking.get("samples", params=query).json()
    chosen = places[3:7]
    samples = answer["samples"]
    assert answer["total"] == len(places)
    assert samples["names"] == [str(place) for place in chosen]
    assert samples["y"] == y[chosen].tolist()
    pixels = np.frombuffer(base64.b64decode(samples["X"]), np.uint8).reshape(samples["count"], -1)
    np.testing.assert_array_equal(pixels, X[chosen])


def test_all_pages_of_samples_together_are_the_whole_part():
    whole = data.load("digits")
    network = Network.initial(features=64, hidden=2, classes=10, seed=0)
    run = LiveRun(network, whole, engine=get_engine(), learning_rate=0.1, iterations=1)
    with_ends = LiveServer(run, lambda network: build_payload(network, live=True), port=0)
    try:
        with client(with_ends) as asking:
            rows = []
            for first in range(0, len(whole.X_train), 500):
                query = {"part": "train", "first": first, "count": 500}
                samples = asking.get("samples", params=query).json()["samples"]
                dtype = np.dtype(samples["dtype"]).newbyteorder("<")
                rows.append(np.frombuffer(base64.b64decode(samples["X"]), dtype).reshape(-1, 64))
        np.testing.assert_array_equal(np.concatenate(rows), whole.X_train)
    finally:
        with_ends.close()


@pytest.mark.parametrize(
    "query",
    [
        "part=all",
        "first=-1",
        "first=x",
        "count=501",
        "count=1.5",
        "label=3",
        "label=",
        "first=9999999",
        "first=" + "9" * 400,
        "count=" + "9" * 5000,
        "count=1e1",
        "count=NaN",
        "count=",
        "count=%D9%A3",
        "label=%ff%fe",
        "first=%00",
        "part=%ff",
        "part=" + "x" * 10_000,
        "part=train&part=all",
        "count=1&count=-1",
        "label=1&label=3",
    ],
)
def test_samples_that_are_not_there_are_refused_with_a_sentence(quiet, query):
    with client(quiet) as asking:
        response = asking.get(f"samples?{query}")
    assert response.status_code == 400
    assert "expected" in response.json()["error"]
    assert len(response.content) < 300


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: abc",
        "Content-Length: -1",
        "Content-Length: 1.5",
        "Content-Length:",
        "Content-Length: " + "9" * 19,
        "Content-Length: " + "9" * 400,
        "Content-Length: 2\r\nContent-Length: 3",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Cookie: " + "x" * 100_000,
        "Accept-Encoding: " + "\xff" * 100,
        "X-Nothing\0: x",
        "Content-Type: \x7f",
        "Expect: 200-ok",
    ],
)
@pytest.mark.parametrize("route", ["", "samples?count=1", "learning-rate", "nothing-here"])
def test_no_header_is_a_failure_of_the_server(quiet, route, headers):
    method = "POST" if route == "learning-rate" else "GET"
    head = f"{method} /{token(quiet)}/{route} HTTP/1.1\r\nHost: 127.0.0.1:{quiet.port}\r\n"
    request = f"{head}{headers}\r\nConnection: close\r\n\r\n".encode("latin-1")
    status, _, _ = exchange(quiet, request, b"0\r\n\r\n")
    assert status in (None, 200, 400, 404, 413, 431, 501)


queries = st.one_of(
    st.text(path_characters),
    st.dictionaries(
        st.sampled_from(["part", "first", "count", "label"]),
        st.one_of(st.text(max_size=30), st.integers().map(str), st.floats().map(str)),
    ).map(urlencode),
)


@given(queries)
def test_no_query_is_a_failure_of_the_server(quiet, query):
    target = f"/{token(quiet)}/samples?{query}".encode()
    assert ask(quiet, target, headers=["Connection: close"])[0] in (200, 400)


@given(st.one_of(st.binary(max_size=100), st.text().map(str.encode), json_texts))
def test_no_body_is_a_failure_of_the_server(quiet, body):
    with client(quiet) as asking:
        assert asking.post("learning-rate", content=body).status_code in (200, 400)


def test_an_address_for_one_use_leads_to_the_page_once(dataset):
    with serving(dataset, held=True) as (_, server):
        address = server.address_for_one_use()
        assert token(server) not in address
        assert address != server.address_for_one_use()
        response = httpx.get(address, timeout=PATIENCE, follow_redirects=True)
        assert response.status_code == 200
        assert str(response.url) == server.address
        assert "handgrad-data" in response.text
        for _ in range(2):
            again = httpx.get(address, timeout=PATIENCE)
            assert again.status_code == 403
            assert token(server) not in again.text + str(again.headers)
            assert "somebody else" in again.text
        assert httpx.get(server.address, timeout=PATIENCE).status_code == 200


def test_an_address_for_one_use_is_spent_by_reading_it_alone(dataset):
    with serving(dataset, held=True) as (_, server):
        address = server.address_for_one_use()
        path = address.partition(f":{server.port}")[2].encode()
        for method in METHODS:
            if method != "GET":
                assert ask(server, path, method=method, headers=["Content-Length: 0"])[0] == 405
        assert ask(server, path, host="example.org")[0] == 403
        assert ask(server, path, headers=["Origin: http://example.org"])[0] == 403
        for strange in (
            path[:-1],
            path + b"x",
            path + b"/",
            b"/open/",
            b"/open",
            b"/open//",
            b"//open",
        ):
            assert ask(server, strange)[0] == 403
        status, head, _ = ask(server, path)
        assert status in (303, 307)
        assert f"location: /{token(server)}/".encode() in head
        assert b"cache-control: no-store" in head
        assert b"referrer-policy: no-referrer" in head


def test_closing_ends_viewers_and_frees_the_port(dataset):
    with serving(dataset) as (run, server):
        viewer = Viewer(server)
        viewer.wait(lambda name, _: name == "progress")
        run.start()
    assert viewer.wait_for_the_end()
    assert not run.state().running
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


def test_nothing_is_written_down_where_nobody_looks(live, monkeypatch):
    run, _, asking = live
    written = []
    monkeypatch.setattr(
        "handgrad.glassbox.live.broadcast.progress_event", lambda snapshot: written.append(snapshot)
    )
    asking.post("start")
    while run.state().iteration < 1000:
        time.sleep(0.01)
    asking.post("stop")
    assert written == []


def test_a_port_that_cannot_be_had_is_told_in_a_sentence(monkeypatch, dataset):
    class NoSocket(socket.socket):
        def bind(self, _address):
            raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr(socket, "socket", NoSocket)
    with (
        pytest.raises(HandgradError, match="The page cannot be served on port 0: Cannot assign"),
        serving(dataset),
    ):
        pass
