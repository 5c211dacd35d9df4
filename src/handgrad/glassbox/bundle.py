"""Joins the page's ES modules into one script, without a build step.

Each module becomes a function that returns the module's exports. The script calls each function
once, dependencies first. The modules use a small part of the language, so that the bundler needs
no parser: static named imports of relative files, and ``export`` before a function, a class or a
constant, each at the beginning of a line.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple, NoReturn

from handgrad.errors import PageError

IMPORT = re.compile(r'^import\s*\{([^{}]*)\}\s*from\s*"(\.\.?/[^"\n]+)";[ \t]*$', re.MULTILINE)
EXPORT = re.compile(
    r"^export\s+((?:async\s+)?function\b\s*\*?|class\b|const\b)\s*([\w$]+)", re.MULTILINE
)
IMPORTED_NAME = re.compile(r"([\w$]+)(?:\s+as\s+([\w$]+))?")
WHOLE_LINES = re.compile(
    r"^[ \t]*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n", re.DOTALL | re.MULTILINE
)
COMMENTS_STAY_IN = "math/"  # learners read these modules; other comments only add bytes
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
FORBIDDEN = (  # searched for after comments, imports and exports are removed
    (re.compile(r"^import\b", re.MULTILINE), 'an import that is not `import { … } from "./….js";`'),
    (re.compile(r"^export\b", re.MULTILINE), "an export that is not a function, class or constant"),
    (re.compile(r"\bimport\s*\("), "a dynamic import"),
    (re.compile(r"\bimport\.meta\b"), "import.meta"),
    (re.compile(r"^(?!.*\basync\b)\S.*\bawait\b", re.MULTILINE), "an await outside a function"),
)
ENDS_A_SCRIPT = re.compile(r"</?script|<!--", re.IGNORECASE)  # for an HTML parser


class Module(NamedTuple):
    """One file of the page."""

    name: str
    """Its path in the page's folder, such as ``math/passes.js``."""
    imports: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    """For each import: the other module's name, and pairs of a name there and a name here."""
    exports: tuple[str, ...]
    body: str
    """The text without imports and without the word ``export``."""


def bundle(folder: Path, entry: str) -> str:
    """Return a module and everything that it imports as one classic script with local names only.

    Missing modules, circles of imports, unknown names and unsupported forms raise a PageError.
    """
    modules = _in_order(folder, entry)
    exports = {module.name: module.exports for module in modules}
    parts = [_wrapped(module, exports) for module in modules]
    return "\n".join(['"use strict";', "(() => {", "const modules = {};", *parts, "})();", ""])


def read_module(folder: Path, name: str) -> Module:
    """Read one module and check that the bundler supports every form in it."""
    try:
        text = (folder / name).read_text(encoding="utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise PageError(f"The page's module {name} cannot be read: {error.strerror}.") from error
    imports = tuple(
        (_resolve(name, source), tuple(_imported_names(name, names)))
        for names, source in IMPORT.findall(text)
    )
    body = IMPORT.sub("", text)
    exports = tuple(found for _, found in EXPORT.findall(body))
    body = EXPORT.sub(r"\1 \2", body)
    code = COMMENT.sub("", body)
    for pattern, what in FORBIDDEN:
        if pattern.search(code):
            _fail(name, what)
    if ENDS_A_SCRIPT.search(body):
        _fail(name, "the text of a script tag or of an HTML comment: write it as two strings")
    if not name.startswith(COMMENTS_STAY_IN):
        body = WHOLE_LINES.sub("", body)
    return Module(name, imports, exports, body.strip("\n"))


def _in_order(folder: Path, entry: str) -> list[Module]:
    """Return the modules in an order in which each one follows its imports."""
    done: dict[str, Module] = {}
    path: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        if name in path:
            circle = " → ".join([*path[path.index(name) :], name])
            raise PageError(f"The page's modules import in a circle: {circle}.")
        path.append(name)
        module = read_module(folder, name)
        for other, _ in module.imports:
            visit(other)
        path.pop()
        done[name] = module

    visit(entry)
    return list(done.values())


def _wrapped(module: Module, exports: dict[str, tuple[str, ...]]) -> str:
    lines = [f'modules["{module.name}"] = (() => {{']
    for other, names in module.imports:
        for there, _ in names:
            if there not in exports[other]:
                _fail(module.name, f"an import of {there}, which {other} does not export")
        bindings = ", ".join(t if t == here else f"{t}: {here}" for t, here in names)
        lines.append(f'const {{ {bindings} }} = modules["{other}"];')
    lines += [module.body, f"return {{ {', '.join(module.exports)} }};", "})();"]
    return "\n".join(lines)


def _imported_names(name: str, names: str) -> list[tuple[str, str]]:
    pairs = []
    for part in COMMENT.sub("", names).split(","):
        if not part.strip():
            continue  # a comma may follow the last name
        match = IMPORTED_NAME.fullmatch(part.strip())
        if match is None:
            _fail(name, f"an import of {part.strip()!r}")
        pairs.append((match[1], match[2] or match[1]))
    return pairs


def _resolve(name: str, source: str) -> str:
    """Return the path of an imported module, relative to the page's folder."""
    parts = list(PurePosixPath(name).parent.parts)
    for part in PurePosixPath(source).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            _fail(name, f"an import of {source}, which is outside the page's folder")
    return "/".join(parts)


def _fail(name: str, found: str) -> NoReturn:
    raise PageError(
        f"The page's module {name} contains {found}; expected only the forms that "
        "glassbox/bundle.py describes."
    )
