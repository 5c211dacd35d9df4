"""Passes a request on to the live page only if it is small, from the page, and has the token."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, RedirectResponse

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1_000_000  # bytes
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "img-src 'self' data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
CLOSING = {"connection": "close"}
OPENING = b"open"  # the first part of an address that works once


class Guard:
    """Checks every request, whatever its route and method, and adds headers to every response.

    The token is the first part of the path. The guard compares it as it was sent, before anything
    is decoded. It also passes the rest of the path on as it was sent, so that no other spelling
    of a path can reach a file.
    """

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self._app = app
        self._token = token.encode()
        self._codes: set[bytes] = set()
        self._hosts = {f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode()}

    def path_for_one_use(self) -> str:
        """Return a path that leads to the page once.

        A browser receives the address as an argument, and every user of the machine can list the
        arguments of all processes. Therefore the browser receives this path instead of the token:
        the list then shows a code that no longer works. A private file that redirects to the page
        would not do: browsers installed by snap or flatpak can read neither the folder for
        temporary files nor hidden files. Another user could open the path before the browser
        does, but then the browser is refused and says why.
        """
        code = secrets.token_urlsafe(24)
        self._codes.add(code.encode())
        return f"/{OPENING.decode()}/{code}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            body = await _small_body(scope, receive)
            if body is not None:
                inner = {**scope, "path": _behind_token(scope), "root_path": ""}
                await self._app(inner, _replayed(body, receive), send_with_headers)
                return
            refusal = PlainTextResponse("The body is larger than 1 MB.", 413, CLOSING)
        await refusal(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return _forbidden("This server does not serve this host name.")
        if any(origin != b"http://" + hosts[0] for origin in origins):
            return _forbidden("Requests from other pages are not allowed.")
        root, _, rest = scope["raw_path"].partition(b"/")
        token, slash, behind = rest.partition(b"/")
        if not root and token == OPENING:
            return self._opened(behind, scope["method"])
        if root or not secrets.compare_digest(token, self._token):
            return _forbidden(
                "The address does not contain the token; use the address that handgrad printed."
            )
        if not slash:
            return self._to_the_page()
        return None

    def _opened(self, code: bytes, method: str) -> Response:
        if code not in self._codes:
            return _forbidden(
                "This address works only once. Use the address that handgrad printed. If you have "
                "not opened this page before, somebody else on this machine has: stop handgrad "
                "and start it again."
            )
        if method != "GET":
            return PlainTextResponse(
                "This address accepts only GET.", 405, CLOSING | {"allow": "GET"}
            )
        self._codes.discard(code)
        return self._to_the_page()

    def _to_the_page(self) -> Response:
        return RedirectResponse(f"/{self._token.decode()}/", headers=CLOSING)


def _forbidden(sentence: str) -> Response:
    return PlainTextResponse(sentence, 403, CLOSING)


def _behind_token(scope: Scope) -> str:
    raw: bytes = scope["raw_path"]
    _, _, rest = raw[1:].partition(b"/")
    return "/" + rest.decode("latin-1")


async def _small_body(scope: Scope, receive: Receive) -> bytes | None:
    """Read the body; return None if it is too large, whether it declares its length or not."""
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > LARGEST_BODY:
            return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return first.pop() if first else await receive()

    return replay
