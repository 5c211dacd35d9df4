"""Which requests reach the page, over real sockets."""

from __future__ import annotations

import json

import httpx
import pytest

from glassbox.live.serving import (
    METHODS,
    PATIENCE,
    ROUTES,
    ask,
    client,
    exchange,
    serving,
    token,
)
from handgrad.glassbox.live.guard import LARGEST_BODY


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


def test_a_whole_address_as_target_is_refused(quiet):
    target = quiet.address.encode()
    assert ask(quiet, target)[0] == 403
    assert ask(quiet, b"http://example.org/" + target)[0] == 403


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
