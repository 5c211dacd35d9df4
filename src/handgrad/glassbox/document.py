"""The page as one HTML file that needs nothing else, or as the HTML that a server sends.

The one-file page contains its styles, its scripts, its data and a Content-Security-Policy. The
policy forbids everything else: the page cannot send a request, and no other script can run in it.

``index.html`` alone says which stylesheets belong to the page, and in which order.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handgrad.errors import PageError
from handgrad.glassbox.bundle import bundle

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = Path(__file__).with_name("page")
STYLESHEET = re.compile(r'[ \t]*<link rel="stylesheet" href="([\w./-]+)">')
MAIN, WORKER = "main.js", "run/worker.js"
MAIN_SCRIPT = f'<script type="module" src="{MAIN}"></script>'
DATA = '<script type="application/json" id="handgrad-data"></script>'
CHARSET = '<meta charset="utf-8">'
REQUEST_OF_A_STYLE = re.compile(r"@import|url\(\s*['\"]?(?!data:|#)", re.IGNORECASE)


def one_file(payload: Mapping[str, Any], *, page: Path = PAGE) -> str:
    """Return the page with its styles, scripts and data as one HTML text."""
    html = _read(page, "index.html")
    _check(html)
    styles: list[str] = []

    def inlined(link: re.Match[str]) -> str:
        styles.append(_style(page, link[1]))
        return f"<style>{styles[-1]}</style>"

    html = STYLESHEET.sub(inlined, html)
    script = bundle(page, MAIN)
    scripts = [f"<script>{script}</script>"]
    if (page / WORKER).is_file():
        worker = bundle(page, WORKER)
        scripts.insert(0, f'<script type="text/plain" id="handgrad-worker">{worker}</script>')
    # At the end of the body: like modules, they run when the whole document is there.
    html = html.replace(MAIN_SCRIPT, "").replace("</body>", "\n".join([*scripts, "</body>"]), 1)
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_policy(script, styles)}">'
    html = html.replace(CHARSET, f"{CHARSET}\n{policy}", 1)
    return _filled(html, payload)


def served(payload: Mapping[str, Any], *, page: Path = PAGE) -> str:
    """Return the page's HTML with its data, for a server that also serves the other files."""
    html = _read(page, "index.html")
    _check(html)
    return _filled(html, payload)


def as_script_data(value: object) -> str:
    r"""Return JSON for a script element; no string in it can end the element.

    Examples
    --------
    >>> as_script_data("</script>")
    '"\\u003c/script>"'
    """
    # In JSON a "<" occurs only within strings, where it may be escaped.
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _filled(html: str, payload: Mapping[str, Any]) -> str:
    # the last replacement, so that no other one changes the data
    return html.replace(DATA, DATA.replace("><", f">{as_script_data(payload)}<"), 1)


def _policy(script: str, styles: list[str]) -> str:
    style_hashes = " ".join(map(_hash, styles)) or "'none'"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash(script)}",
            f"style-src {style_hashes}",
            "worker-src blob:",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _style(page: Path, name: str) -> str:
    css = _read(page, name)
    if "</style" in css.lower() or "<!--" in css:
        raise PageError(
            f"The page's style {name} contains the text of a tag; expected CSS without tags."
        )
    if REQUEST_OF_A_STYLE.search(css):
        raise PageError(
            f"The page's style {name} loads another file; expected none: use data: addresses."
        )
    return css


def _read(page: Path, name: str) -> str:
    try:
        return (page / name).read_text(encoding="utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise PageError(
            f"The page's file {name} cannot be read ({error.strerror}); install handgrad again."
        ) from error


def _check(html: str) -> None:
    """Refuse a page that the policy would break, or that lacks a part."""
    for part in (CHARSET, DATA, MAIN_SCRIPT, "</body>"):
        if html.count(part) != 1:
            raise PageError(
                f"The page's index.html contains {part} {html.count(part)} times; expected once."
            )
    checker = _Checker()
    checker.feed(html)
    if checker.scripts != MAIN_SCRIPT.count("<script") + DATA.count("<script"):
        raise PageError(
            f"The page's index.html contains {checker.scripts} scripts; expected the main "
            "script and the data."
        )


class _Checker(HTMLParser):
    """Finds what the Content-Security-Policy would block in index.html."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        if tag == "style":
            raise PageError(
                "The page's index.html contains a style element; expected a stylesheet."
            )
        for name, _ in attrs:
            if name == "style" or name.startswith("on"):
                raise PageError(
                    f"The page's index.html gives a {tag} the attribute {name}, which the policy "
                    "blocks; expected a class in a stylesheet, or a listener in a module."
                )
        if tag == "link" and ("rel", "stylesheet") in attrs:
            href = dict(attrs).get("href")
            if not STYLESHEET.fullmatch(self.get_starttag_text() or ""):
                raise PageError(
                    f"The page's index.html links the stylesheet {href} in another form than "
                    '<link rel="stylesheet" href="….css">.'
                )
