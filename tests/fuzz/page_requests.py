"""Requests to the live page, as its HTTP server hands them on: no answer is an error of ours."""

from __future__ import annotations

import asyncio
import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzz import mutations
from handgrad import Network, data, get_engine
from handgrad.errors import HandgradError
from handgrad.solvers import Training

if TYPE_CHECKING:
    from random import Random

    from fuzz.outcome import Case

NAME = "live page"
LARGE_IS_ASKED = False
PORT, TOKEN = 8765, "token"
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "x")
POSTED = ("start", "stop", "reset", "learning-rate")
PATHS = (
    *(
        "",
        "samples",
        "samples",
        "samples",
        "samples",
        "start",
        "stop",
        "reset",
        "learning-rate",
        "learning-rate",
    ),
    *(
        "main.js",
        "style/page.css",
        "math/passes.js",
        "../page/main.js",
        "%2e%2e/main.js",
        "math//passes.js",
    ),
    *(
        "index.html",
        "/",
        "//",
        "samples/",
        "%00",
        "%ff",
        "nothing",
        "main.js%00",
        "." * 300,
        "events/",
    ),
)
TOKENS = (*[TOKEN] * 40, "", "%74oken", "Token", "tokens", "x" * 5000)
HOSTS = (*["127.0.0.1:8765"] * 40, "localhost:8765", "", "evil", "127.0.0.1", "127.0.0.1:8765:1")
NUMBERS = (
    "0",
    "1",
    "2",
    "49",
    "500",
    "501",
    "-1",
    "",
    "x",
    "1.0",
    "9" * 9,
    "9" * 30,
    "%d9%a3",
    "1e1",
    "+1",
)
RATES: list[Any] = [
    0.1,
    1,
    0,
    -1,
    1e308,
    1e-320,
    10**400,
    True,
    None,
    "0.1",
    [0.1],
    {},
    float("nan"),
    float("inf"),
]


def draw(random: Random) -> Case:
    """Make a request: a method, a path with its query, headers and a body."""
    name = random.choice(PATHS)
    path = f"/{random.choice(TOKENS)}/{name}"
    usual = "POST" if name in POSTED else "GET"
    names = random.choices(
        ("part", "first", "count", "label", "part", "x", ""), k=random.randint(0, 4)
    )
    values = [random.choice((*NUMBERS, "train", "test")) for _ in names]
    headers = [["host", random.choice(HOSTS)]]
    if random.random() < 0.2:
        origin = random.choice(("http://127.0.0.1:8765", "null", "http://evil", ""))
        headers.append(["origin", origin])
    if random.random() < 0.1:
        headers.append(
            random.choice((["host", "evil"], ["range", "bytes=0-1"], ["te", "x" * 9000]))
        )
    if random.random() < 0.2:
        headers.append(["content-length", random.choice(("0", "1", "1000001", "9" * 19))])
    if random.random() < 0.02:
        headers.pop(0)
    return {
        "method": usual if random.random() < 0.8 else random.choice(METHODS),
        "path": path if random.random() < 0.97 else random.choice(("*", "", "/", "token")),
        "query": "&".join(f"{n}={v}" for n, v in zip(names, values, strict=True)),
        "headers": headers,
        "body": _body(random),
    }


def run(case: Case) -> None:
    """Send the request; an answer of 400 or above is a refusal."""
    loop, app = _served(os.getpid())
    status, content = loop.run_until_complete(_answer(app, case))
    assert 200 <= status < 500, f"status {status}"
    if status == 400:
        sentence = json.loads(content)["error"]
        assert sentence.isprintable(), f"a control character in {sentence!r}"
        assert len(sentence) < 500, f"a sentence of {len(sentence)} characters"
    if status >= 300:
        raise HandgradError(f"The page answers {status}.")


def _body(random: Random) -> bytes:
    how = random.random()
    if how < 0.3:
        return b""
    if how < 0.32:
        return b"x" * 1_000_001
    body = json.dumps({"learningRate": random.choice(RATES)})
    if how < 0.7:
        return body.encode()
    if how < 0.8:
        return json.dumps(mutations.damage_json(random, {"learningRate": 0.1})).encode()
    return mutations.damage(random, body.encode())


async def _answer(app: Any, case: Case) -> tuple[int, bytes]:
    path = case["path"].encode()
    messages = [{"type": "http.request", "body": case["body"], "more_body": False}]
    answered: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        answered.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": case["method"],
        "scheme": "http",
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": case["query"].encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in case["headers"]],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", PORT),
    }
    await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in answered[1:])
    return answered[0]["status"], content


@cache
def _served(_process: int) -> tuple[asyncio.AbstractEventLoop, Any]:
    """Make the page once a process, with a run on a few rows."""
    from handgrad.glassbox.live.broadcast import Broadcast
    from handgrad.glassbox.live.guard import Guard
    from handgrad.glassbox.live.run import LiveRun
    from handgrad.glassbox.live.server import live_page
    from handgrad.glassbox.payload import build_payload

    random = np.random.default_rng(0)
    X, y = random.random((20, 4)), np.arange(20) % 3
    dataset = data.Dataset(X, y, X[:9], y[:9], ("a", "b", "c"), (2, 2))
    network = Network.initial(features=4, hidden=3, classes=3)
    engine = get_engine(threads=1)
    live = LiveRun(
        network, dataset, engine=engine, training=Training(learning_rate=0.1, iterations=20)
    )
    loop = asyncio.new_event_loop()

    async def application() -> Any:
        def describe(newest: Network) -> Any:
            return build_payload(newest, X, y, learning_rate=0.1, live=True)

        return Guard(live_page(live, describe, Broadcast(live)), token=TOKEN, port=PORT)

    return loop, loop.run_until_complete(application())
