"""Who is let in to the live page: nobody without the token, from elsewhere, or with a big body."""

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
OPENING = b"open"  # the first segment of an address that works once


class Guard:
    """Stands before every route and every method, and adds the headers to every answer.

    The token is the first segment of the address, as it was sent: nothing is decoded before it
    is compared. What is behind it is handed on as it was sent, too, so that no way of writing a
    path leads to a file that is not called so.

    Parameters
    ----------
    app : ASGI application
        Sees paths without the token, and bodies below the limit.
    token : str
    port : int
        Where the server listens on loopback.
    """

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self._app = app
        self._token = token.encode()
        self._codes: set[bytes] = set()
        self._hosts = {f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode()}

    def path_for_one_use(self) -> str:
        """Return a path that leads to the page once, and never again.

        A browser is started with an address among its arguments, and any user of the machine may
        list the arguments of all processes. So the browser is given this path instead of the
        token: who reads the list later finds a code that is spent. The other way, a private file
        that redirects, fails with browsers from snap or flatpak, which see neither the folder for
        temporary files nor hidden ones. The price is that somebody else could be faster than the
        browser; but not without being noticed, since the browser is refused then and says why.
        """
        code = secrets.token_urlsafe(24)
        self._codes.add(code.encode())
        return f"/{OPENING.decode()}/{code}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
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
            refusal = PlainTextResponse("The body is above 1 MB.", 413, CLOSING)
        await refusal(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return _forbidden("This address is not served here.")
        if any(origin != b"http://" + hosts[0] for origin in origins):
            return _forbidden("Other pages may not ask here.")
        root, _, rest = scope["raw_path"].partition(b"/")
        token, slash, behind = rest.partition(b"/")
        if not root and token == OPENING:
            return self._opened(behind, scope["method"])
        if root or not secrets.compare_digest(token, self._token):
            return _forbidden("The address lacks its token; use the one that handgrad printed.")
        if not slash:
            return self._to_the_page()
        return None

    def _opened(self, code: bytes, method: str) -> Response:
        if code not in self._codes:
            return _forbidden(
                "This address worked once. Use the one that handgrad printed; and if this page "
                "has not been open before, somebody else on this machine has opened it: end "
                "handgrad and start it again."
            )
        if method != "GET":
            return PlainTextResponse("This address is to be read.", 405, CLOSING | {"allow": "GET"})
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
    """Read the body, but give up on one that is too large, whether it says so or not."""
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
