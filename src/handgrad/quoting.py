"""Quotes values in errors: short, and without control characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 60  # characters of a quotation, including the quotes
LONGEST_NAME = 300  # characters of a path
BYTES = 0xDC00  # the code point to which Python adds a byte that is not UTF-8
SURROGATE = re.compile("[\ud800-\udfff]")


def quoted(found: object) -> str:
    r"""Return a text in quotes, as Python writes it, cut to about 60 characters.

    Control characters, lone surrogates and all other unprintable characters are escaped, so that
    the result can be printed and encoded everywhere.

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
    """Return texts in quotes, separated by commas; of many texts, only the first ones.

    Examples
    --------
    >>> listed(["cat", "dog"]), listed("abcde", most=2)
    ("'cat', 'dog'", "'a', 'b', …")
    """
    return ", ".join(map(quoted, found[:most])) + (", …" if len(found) > most else "")


def shown(value: object) -> str:
    """Return a value as Python writes it, cut and escaped as in `quoted`.

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
    r"""Return a text with its unprintable characters escaped.

    Examples
    --------
    >>> escaped("größe 1"), escaped("red\x1b[31m"), escaped("caf\udce9.png")
    ('größe 1', 'red\\x1b[31m', 'caf\\xe9.png')
    """
    if text.isprintable():
        return text
    text = without_surrogates(text)
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def without_surrogates(text: str) -> str:
    r"""Return a text with its lone surrogates escaped.

    UTF-8 cannot encode them. Python uses them for the bytes of a file name that are not UTF-8
    (PEP 383).

    Examples
    --------
    >>> without_surrogates("caf\udce9.png")
    'caf\\xe9.png'
    """
    return SURROGATE.sub(lambda found: _code(ord(found[0])), text)


def shortened(text: str, most: int) -> str:
    """Return a text; if it is long, replace its middle, because both ends matter most.

    Examples
    --------
    >>> shortened("ab" * 100, most=7)
    'aba…bab'
    """
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[: most - 1 - half]}…{text[-half:]}"


def named(found: object) -> str:
    """Return a path, a source or a message without quotes, escaped and cut to 300 characters.

    Examples
    --------
    >>> named("table.csv"), len(named("a" * 100_000))
    ('table.csv', 300)
    """
    return shortened(escaped(_written(found)), LONGEST_NAME)


def _code(point: int) -> str:
    is_byte = BYTES <= point <= BYTES + 0xFF
    return f"\\x{point - BYTES:02x}" if is_byte else f"\\u{point:04x}"


def _written(found: object) -> str:
    try:
        return str(found)
    except ValueError:  # Python refuses to write integers of more than 4,300 digits
        return f"{type(found).__name__} too long to be written"
