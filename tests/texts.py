"""What stands in a text."""

from __future__ import annotations

import re


def found_in(text: str, pattern: str) -> str:
    """Return what the pattern's group matches at its first place in the text."""
    match = re.search(pattern, text, re.DOTALL)
    assert match, f"{pattern} is nowhere in {text[:500]!r}"
    return match[1]


def embedded_data(page: str) -> str:
    """Return the JSON that a page of the glass box holds."""
    return found_in(page, r'id="handgrad-data">(.*?)</script>')
