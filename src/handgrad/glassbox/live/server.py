"""The server of the live page: it shows a native run, on loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import math
import os
import secrets
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from handgrad.errors import HandgradError, TrainingError
from handgrad.glassbox.document import PAGE, served
from handgrad.glassbox.live.broadcast import Broadcast
from handgrad.glassbox.live.guard import Guard
from handgrad.glassbox.live.samples_on_demand import choose_samples
from handgrad.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from handgrad.glassbox.live.run import LiveRun
    from handgrad.network import Network

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
LOOPBACK = "127.0.0.1"


class LiveServer:
    """Serves the page in a thread of its own, from its construction until `close`.

    ``describe`` returns the page's payload for a network; see `build_payload`. If the port is
    taken, the server uses a free one. The ``token`` is the first part of every path; by default it
    is random, so that nobody can guess it.
    """

    def __init__(
        self,
        run: LiveRun,
        describe: Callable[[Network], Mapping[str, Any]],
        *,
        port: int,
        token: str | None = None,
    ) -> None:
        token = token or secrets.token_urlsafe(24)
        self._socket = _listening_socket(port)
        self.port: int = self._socket.getsockname()[1]
        self.address = f"http://{LOOPBACK}:{self.port}/{token}/"
        self._run, self._describe, self._token = run, describe, token
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="live page", daemon=True)
        self._thread.start()
        self._ready.wait()

    def address_for_one_use(self) -> str:
        """Return an address that works once; see `Guard.path_for_one_use`."""
        return f"http://{LOOPBACK}:{self.port}{self._guard.path_for_one_use()}"

    def wait_for_viewer(self, seconds: float) -> bool:
        """Wait until somebody watches the run; return whether somebody does."""
        return self._broadcast.wait_for_viewer(seconds)

    def close(self) -> None:
        """End all connections and stop listening."""
        self._loop.call_soon_threadsafe(self._broadcast.close)
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        asyncio.run(self._serve_until_closed())

    async def _serve_until_closed(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._broadcast = Broadcast(self._run)
        app = live_page(self._run, self._describe, self._broadcast)
        self._guard = Guard(app, token=self._token, port=self.port)
        self._server = uvicorn.Server(_settings(self._guard))
        following = asyncio.create_task(self._broadcast.follow())
        self._ready.set()
        await self._server.serve(sockets=[self._socket])
        following.cancel()


def _settings(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        proxy_headers=False,  # never believe that a request comes from somebody else
        server_header=False,
        access_log=False,  # addresses contain the token
        log_config=None,
        log_level="critical",
        timeout_graceful_shutdown=1,
    )


def _listening_socket(port: int) -> socket.socket:
    """Listen on a port of loopback; if it is taken, listen on a free one."""
    for wanted in (port, 0):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "posix":  # on other systems two programs could then share one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOOPBACK, wanted))
            listening.listen(128)
        except OSError as error:
            listening.close()
            if wanted == 0 or error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise HandgradError(
                    f"The page cannot be served on port {wanted}: {error.strerror}."
                ) from error
        else:
            return listening
    raise AssertionError


def live_page(
    run: LiveRun, describe: Callable[[Network], Mapping[str, Any]], broadcast: Broadcast
) -> ASGIApp:
    """Return the application behind the `Guard`; its paths do not contain the token."""

    async def page(_request: Request) -> Response:
        html = served(describe(run.snapshot().network))
        return Response(html, media_type="text/html")

    async def events(request: Request) -> Response:
        if request.method == "HEAD":  # a request for the headers alone does not watch
            return Response(media_type="text/event-stream")
        return StreamingResponse(broadcast.events(), media_type="text/event-stream")

    async def samples(request: Request) -> Response:
        return JSONResponse(choose_samples(run.dataset, request.query_params))

    async def learning_rate(request: Request) -> Response:
        run.set_learning_rate(_learning_rate(await request.body()))
        return JSONResponse({})

    routes = [
        Route("/", page),
        Route("/events", events),
        Route("/samples", samples),
        Route("/start", partial(_act, run.start), methods=["POST"]),
        Route("/stop", partial(_act, run.stop), methods=["POST"]),
        Route("/reset", partial(_act, run.reset), methods=["POST"]),
        Route("/learning-rate", learning_rate, methods=["POST"]),
        *(Route(f"/{name}", partial(_send, *file)) for name, file in page_files().items()),
    ]
    app = Starlette(routes=routes, exception_handlers={HandgradError: _refuse})
    app.router.redirect_slashes = False
    return app


def page_files(page: Path = PAGE) -> dict[str, tuple[bytes, str]]:
    """Read all files that may be served; return their contents and types by their paths.

    The server serves no other file of the disk. Symbolic links are left out.
    """
    files = {}
    for path in sorted(page.rglob("*")):
        within = path.relative_to(page)
        linked = any((page / part).is_symlink() for part in (within, *within.parents))
        if path.suffix in CONTENT_TYPES and path.is_file() and not linked:
            files[within.as_posix()] = path.read_bytes(), CONTENT_TYPES[path.suffix]
    return files


async def _act(action: Callable[[], object], _request: Request) -> Response:
    action()
    return JSONResponse({})


async def _send(content: bytes, media_type: str, _request: Request) -> Response:
    return Response(content, media_type=media_type)


async def _refuse(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


def _learning_rate(body: bytes) -> float:
    try:
        value = json.loads(body)["learningRate"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise TrainingError('The body is not {"learningRate": number}.') from None
    with contextlib.suppress(OverflowError):  # a whole number that is too large for a float
        if type(value) in (int, float) and math.isfinite(value):
            return float(value)
    raise TrainingError(f"learningRate is {quoted(value)}; expected a number above 0.")
