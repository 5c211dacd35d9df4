"""What the server of the live page answers, over real sockets."""

from __future__ import annotations

import json
import socket

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassbox.live.serving import (
    GET_ROUTES,
    METHODS,
    PATIENCE,
    POST_ROUTES,
    ask,
    client,
    exchange,
    serving,
    token,
)
from handgrad.errors import HandgradError
from handgrad.glassbox.document import PAGE
from handgrad.glassbox.live.guard import HEADERS
from handgrad.glassbox.live.server import page_files
from texts import embedded_data


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


def test_two_servers_find_two_ports(dataset):
    with serving(dataset) as (_, first), serving(dataset, port=first.port) as (_, second):
        assert first.port != second.port
        assert token(first) != token(second)
        for server in (first, second):
            assert httpx.get(server.address, timeout=PATIENCE).status_code == 200
        strange = second.address.replace(token(second), token(first))
        assert httpx.get(strange, timeout=PATIENCE).status_code == 403


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


@given(st.one_of(st.binary(max_size=100), st.text().map(str.encode), json_texts))
def test_no_body_is_a_failure_of_the_server(quiet, body):
    with client(quiet) as asking:
        assert asking.post("learning-rate", content=body).status_code in (200, 400)


def test_a_port_that_cannot_be_had_is_told_in_a_sentence(monkeypatch, dataset):
    class NoSocket(socket.socket):
        def bind(self, _address):
            raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr("handgrad.glassbox.live.server.socket.socket", NoSocket)
    with (
        pytest.raises(HandgradError, match="The page cannot be served on port 0: Cannot assign"),
        serving(dataset),
    ):
        pass
