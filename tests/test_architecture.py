"""The tree is as ARCHITECTURE.md says: its map, the order of imports, the size of files."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAPPED = ("src/handgrad", "native")
NAME = re.compile(r"(?<![\w./-])(?:[\w-]+/)*[\w-]+(?:\.(?:py|pyi|hpp|cpp|js|css|html|md)\b|/)")
SIZED = {".py", ".pyi", ".hpp", ".cpp", ".js", ".mjs", ".css"}
LONGEST = 450  # lines
# What a module may import, and what of handgrad a package may import.
ONLY = {
    "data": {"handgrad.errors", "handgrad.quoting"},
    "derivation/textbook.py": {"numpy"},
    "notes.py": {"handgrad.network", "numpy"},
}


def maps() -> list[str]:
    """Return the drawn trees: code blocks that begin with the name of a folder."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return re.findall(r"^```\n([\w./-]+/\n.*?)^```$", text, re.DOTALL | re.MULTILINE)


def read_map(text: str) -> tuple[set[str], set[str]]:
    """Return the paths that a drawn tree names, and the names that lead nowhere.

    A folder at the beginning of a line holds the lines below it that are indented further. Any
    name is looked for in the folder of its line, and then in those above: a description may
    mention a file of another room.
    """
    found, lost = set(), set()
    folders: list[tuple[int, PurePosixPath]] = []
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        folders = [folder for folder in folders if folder[0] < indent]
        for match in NAME.finditer(line):
            above = [folder / match[0] for _, folder in reversed(folders)]
            path = next(filter(exists, [*above, PurePosixPath(match[0])]), None)
            if path is None:
                lost.add(match[0])
                continue
            found.add(str(path))
            if match.start() == indent and match[0].endswith("/"):
                folders.append((indent, path))
    return found, lost


def exists(path: PurePosixPath) -> bool:
    return (ROOT / path).exists()


def rooms_and_modules() -> set[str]:
    """Return what the map must name: folders and modules; of the page its folders alone."""
    wanted = set()
    for path in (path for top in MAPPED for path in (ROOT / top).rglob("*")):
        is_module = path.suffix in {".py", ".hpp", ".cpp"} and path.name != "__init__.py"
        is_room = path.is_dir() and path.name != "__pycache__"
        if is_module or is_room:
            wanted.add(path.relative_to(ROOT).as_posix())
    return wanted


def test_the_map_names_every_room_and_module():
    named = set().union(*(read_map(text)[0] for text in maps()))
    assert sorted(rooms_and_modules() - named) == []


def test_the_map_names_nothing_that_is_not_there():
    assert len(maps()) >= 1
    assert [sorted(read_map(text)[1]) for text in maps()] == [[] for _ in maps()]


def test_a_map_is_read_by_its_folders():
    found, lost = read_map(
        "src/handgrad/\n"
        "    notes.py     the formulas\n"
        "    engines/     who computes\n"
        "        rules.py, native.py   and nothing.py\n"
        "        data/    a room elsewhere\n"
        "        mnist.py\n"
    )
    folder = "src/handgrad"
    assert found == {
        folder,
        f"{folder}/notes.py",
        f"{folder}/engines",
        f"{folder}/engines/rules.py",
        f"{folder}/engines/native.py",
        f"{folder}/data",
    }
    assert lost == {"nothing.py", "mnist.py"}


def test_imports_point_downwards():
    script = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def imported(path: Path) -> set[str]:
    """Return the modules of handgrad and the other packages that a file imports, for types too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "handgrad":
            found.update(f"handgrad.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = str(node.module)
            found.add(module if module.startswith("handgrad.") else module.partition(".")[0])
    return found - {"__future__", "typing"}


@pytest.mark.parametrize("name", ONLY)
def test_what_stands_alone_imports_nothing_else(name):
    place = ROOT / "src/handgrad" / name
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    own = f"handgrad.{name.removesuffix('.py').replace('/', '.')}"
    found = {module for path in files for module in imported(path)}
    if place.is_dir():  # readers need the packages of their formats
        found = {module for module in found if module.startswith("handgrad")}
    others = {module for module in found if not f"{module}.".startswith(f"{own}.")}
    assert others <= ONLY[name]


def test_no_file_is_longer_than_a_reader_likes():
    tops = ("src", "tests", "native", "benchmarks")
    files = [path for top in tops for path in (ROOT / top).rglob("*") if path.suffix in SIZED]
    long = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if path.read_text(encoding="utf-8").count("\n") > LONGEST
    }
    assert long == set()
