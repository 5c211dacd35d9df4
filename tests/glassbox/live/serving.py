"""The live page served to the tests, and clients that ask it: well-behaved ones and strangers."""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
from contextlib import contextmanager

import httpx
import numpy as np

from handgrad import Network, get_engine
from handgrad.glassbox.live.run import LiveRun
from handgrad.glassbox.live.server import LiveServer
from handgrad.glassbox.payload import build_payload
from handgrad.solvers import Training

PATIENCE = 60  # seconds, for what takes far less: no test passes or fails by the clock
GET_ROUTES = ("", "main.js", "style/page.css", "math/passes.js", "samples?count=1")
POST_ROUTES = ("start", "stop", "reset", "learning-rate")

ROUTES = (*GET_ROUTES, "events", *POST_ROUTES, "nothing-here")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


@contextmanager
def serving(dataset, *, port=0, iterations=10**6, **settings):
    network = Network.initial(features=dataset.X_train.shape[1], hidden=4, classes=3, seed=1)
    run = LiveRun(
        network,
        dataset,
        engine=get_engine("auto"),
        training=Training(learning_rate=0.1, iterations=iterations),
        replayed=False,
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
