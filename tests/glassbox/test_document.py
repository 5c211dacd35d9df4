from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from handgrad import Network
from handgrad.errors import PageError
from handgrad.glassbox.document import as_script_data, one_file, served
from handgrad.glassbox.payload import build_payload

INDEX = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>t</title>
<link rel="stylesheet" href="style.css">
<link rel="stylesheet" href="more.css">
</head>
<body>
<script type="application/json" id="handgrad-data"></script>
<script type="module" src="main.js"></script>
</body>
</html>
"""


class Elements(HTMLParser):
    """The elements of a page as a browser's parser sees them: tag, attributes, text."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append([tag, dict(attrs), ""])

    def handle_endtag(self, _tag):
        self.found.append(["", {}, ""])

    def handle_data(self, data):
        if self.found:
            self.found[-1][2] += data

    def all(self, tag):
        return [element for element in self.found if element[0] == tag]


@pytest.fixture
def page(tmp_path):
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "style.css").write_text("body { color: red; }\n")
    (tmp_path / "more.css").write_text("p { background: url(data:image/png;base64,AA==); }\n")
    (tmp_path / "main.js").write_text('import { a } from "./a.js";\nconsole.log(a);\n')
    (tmp_path / "a.js").write_text("export const a = 1;\n")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "worker.js").write_text(
        'import { a } from "../a.js";\nself.postMessage(a);\n'
    )
    return tmp_path


def policy_of(elements):
    (meta,) = (a for _, a, _ in elements.all("meta") if "http-equiv" in a)
    return dict(part.strip().split(" ", 1) for part in meta["content"].split(";"))


def digest(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("which", ["made up", "real"])
def test_the_policy_allows_what_is_in_the_file_and_nothing_else(page, which):
    payload = build_payload(Network.initial(features=4, hidden=3, classes=2))
    html = one_file(payload, page=page) if which == "made up" else one_file(payload)
    elements = Elements(html)
    policy = policy_of(elements)
    (script,) = (e for e in elements.all("script") if "type" not in e[1])
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == digest(script[2])
    assert policy["style-src"].split() == [digest(text) for _, _, text in elements.all("style")]
    assert policy["worker-src"] == "blob:"
    assert policy["base-uri"] == policy["form-action"] == "'none'"
    assert not any("src" in attributes for _, attributes, _ in elements.found)
    assert all(link["href"].startswith("data:") for _, link, _ in elements.all("link"))
    place = html.index("Content-Security-Policy")
    assert place < html.index("<style") < html.index("<script")
    assert html.index("charset") < 1024


def test_data_and_worker_are_in_the_file(page):
    payload = build_payload(Network.initial(features=4, hidden=3, classes=2))
    scripts = {e[1].get("id"): e for e in Elements(one_file(payload, page=page)).all("script")}
    assert json.loads(scripts["handgrad-data"][2]) == payload
    assert "self.postMessage(a)" in scripts["handgrad-worker"][2]
    assert scripts["handgrad-worker"][1]["type"] == "text/plain"


def test_a_server_gets_the_page_with_its_data_alone(page):
    payload = build_payload(Network.initial(features=4, hidden=3, classes=2), live=True)
    html = served(payload, page=page)
    before, _, after = INDEX.partition('id="handgrad-data">')
    assert html.startswith(before)
    assert html.endswith(after)
    assert json.loads(html[len(before) + len('id="handgrad-data">') : -len(after)])["live"]


@pytest.mark.parametrize(
    "name",
    ["</script><script>alert(1)</script>", "<!--<script>", "]]>", "\u2028", '"', "\\", "&lt;", "é"],
)
def test_no_text_can_end_the_data(page, name):
    payload = {"model": {"class_names": [name, "b"]}}
    (data, *others) = Elements(one_file(payload, page=page)).all("script")
    assert json.loads(data[2]) == payload
    assert len(others) == 2
    assert "<" not in as_script_data(payload)


def test_a_text_like_a_part_of_the_page_is_not_taken_for_it(page):
    payload = {"texts": ["</body>", '<meta charset="utf-8">', '<link rel="stylesheet" href="x">']}
    (data, *_) = Elements(one_file(payload, page=page)).all("script")
    assert json.loads(data[2]) == payload


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<title>", "<style>p {}</style><title>", "a style element"),
        ("<body>", '<body onload="f()">', "gives a body the attribute onload"),
        ("<body>", '<body style="x">', "gives a body the attribute style"),
        ("<body>", "<body><script>f()</script>", "contains 3 scripts"),
        ('<meta charset="utf-8">', "", "charset.* 0 times"),
        ('src="main.js"', 'src="other.js"', r"main\.js.* 0 times"),
        ('id="handgrad-data"', 'id="data"', "handgrad-data.* 0 times"),
        ('href="style.css"', 'href="gone.css"', r"gone\.css cannot be read"),
        ('rel="stylesheet" href="style.css"', 'href="style.css" rel="stylesheet"', "another form"),
    ],
)
def test_a_page_that_its_policy_would_break_is_refused(page, old, new, message):
    (page / "index.html").write_text(INDEX.replace(old, new, 1))
    with pytest.raises(PageError, match=message):
        one_file({}, page=page)


@pytest.mark.parametrize(
    ("css", "message"),
    [
        ('@import "x.css";', "loads another file"),
        ("p { background: url(x.png); }", "loads another file"),
        ("p { background: url('https://example.org/x.png'); }", "loads another file"),
        ("p::after { content: '</style>'; }", "the text of a tag"),
    ],
)
def test_a_style_that_needs_another_file_is_refused(page, css, message):
    (page / "style.css").write_text(css)
    with pytest.raises(PageError, match=message):
        one_file({}, page=page)


def test_a_page_without_an_index_is_refused(tmp_path):
    with pytest.raises(PageError, match=r"index\.html cannot be read"):
        one_file({}, page=tmp_path)


def test_windows_line_ends_give_the_same_hash(page):
    """A browser reads \\r\\n as \\n, and hashes that."""
    unix = one_file({}, page=page)
    for path in filter(Path.is_file, page.rglob("*")):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert one_file({}, page=page) == unix
    assert not re.search("\r", unix)
