"""docs/derivation.md: every formula has its place, every link leads somewhere."""

import re
from pathlib import Path

import pytest

from handgrad.derivation.formulas import ALL_FORMULAS

TEXT = (Path(__file__).parents[2] / "docs" / "derivation.md").read_text(encoding="utf-8")
FENCES = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PROSE = FENCES.sub("", TEXT)
INLINE_MATH = re.compile(r"\$([^$]*)\$")


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


ANCHORS = [anchor(heading) for heading in re.findall(r"^#+ (.*)$", PROSE, re.MULTILINE)]


@pytest.mark.parametrize("formula", ALL_FORMULAS)
def test_each_formula_is_stated_proved_and_checked_under_its_own_heading(formula):
    sections = [s for s in TEXT.split("\n### ") if s.startswith(f"{formula}: ")]
    assert len(sections) == 1
    for part in ("**Statement.**", "**Shapes.**", "**Proof", f"row {formula} of `handgrad check`"):
        assert part in sections[0]


def test_formulas_come_in_the_order_of_the_notes():
    assert re.findall(r"^### (\w\d): ", PROSE, re.MULTILINE) == list(ALL_FORMULAS)


def test_every_link_within_the_page_has_a_target():
    assert len(set(ANCHORS)) == len(ANCHORS)
    assert set(re.findall(r"\]\(#([^)]*)\)", TEXT)) <= set(ANCHORS)


def test_every_linked_file_exists():
    for target in re.findall(r"\]\((\.\.?/[^)#]*)", TEXT):
        assert (Path(__file__).parents[2] / "docs" / target).is_file(), target


def test_inline_mathematics_holds_nothing_that_markdown_would_change():
    for paragraph in re.sub(r"`[^`\n]*`", "", PROSE).split("\n\n"):
        for formula in INLINE_MATH.findall(paragraph):
            assert formula == formula.strip()
            assert not re.search(r"\\[^A-Za-z]|[*<>|~`\n]|[})\]]_", formula), formula
