"""How errors quote what they found: short, and without control characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 60  # characters of a quotation, quotes included
LONGEST_NAME = 300  # characters of a path: its start and its end say most


def quoted(found: object) -> str:
    r"""Return a text in quotes, cut to some 60 characters, as Python would write it.

    Control characters, lone surrogates and all else that does not print are escaped, so that
    the result can be printed and encoded anywhere.

    Examples
    --------
    >>> quoted("cat")
    "'cat'"
    >>> quoted("red\x1b[31m")
    "'red\\x1b[31m'"
    >>> quoted("x" * 1000)[-5:]
    "xxx'…"
    """
    text = found if isinstance(found, str) else _written(found)
    kept = text[: LONGEST - 2]
    while len(repr(kept)) > LONGEST:
        kept = kept[:-1]
    return repr(kept) + ("…" if len(kept) < len(text) else "")


def listed(found: Sequence[object], most: int = 10) -> str:
    """Return texts in quotes between commas, the first ones of many.

    Examples
    --------
    >>> listed(["cat", "dog"]), listed("abcde", most=2)
    ("'cat', 'dog'", "'a', 'b', …")
    """
    return ", ".join(map(quoted, found[:most])) + (", …" if len(found) > most else "")


def shown(value: object) -> str:
    """Return a value as Python would write it, cut and escaped as `quoted` does.

    Examples
    --------
    >>> shown("a"), shown(10**100)[-3:], shown(np.float64(0.5))
    ("'a'", '00…', '0.5')
    """
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, np.generic):
        value = value.item()
    text = escaped(_written(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def escaped(text: str) -> str:
    r"""Return a text as it is, but for what does not print: that is escaped.

    Examples
    --------
    >>> escaped("größe 1"), escaped("caf\udce9.png")
    ('größe 1', 'caf\\udce9.png')
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def named(path: object) -> str:
    """Return the path of a file or the name of a source, without quotes and escaped.

    A path of more than 300 characters loses its middle.

    Examples
    --------
    >>> named("table.csv"), len(named("a" * 100_000))
    ('table.csv', 300)
    """
    text = escaped(str(path))
    if len(text) <= LONGEST_NAME:
        return text
    half = LONGEST_NAME // 2
    return f"{text[: half - 1]}…{text[-half:]}"


def _written(found: object) -> str:
    try:
        return str(found)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return f"{type(found).__name__} too long to be written"
