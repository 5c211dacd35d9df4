"""JSON that every reader takes."""

from __future__ import annotations

import json
import math
import re
from typing import Any

BYTES = 0xDC00  # where Python puts bytes that are not UTF-8, see PEP 383
SURROGATE = re.compile("[\ud800-\udfff]")


def plain_json(value: object) -> str:
    r"""Return a value as JSON; numbers that are not finite become null.

    Bytes of a file's name that are not UTF-8 are escaped, as the readers of images do it: Python
    has them as halves of surrogate pairs, which many readers of JSON refuse.

    Examples
    --------
    >>> plain_json({"cost": math.inf, "sample": "caf\udce9.png"})
    '{"cost": null, "sample": "caf\\\\xe9.png"}'
    """
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_plain(value), allow_nan=False)
    return json.dumps(_plain(value)) if "\\ud" in text else text


def show_json(value: object) -> None:
    """Print a value as JSON, on one line."""
    print(plain_json(value))


def without_surrogates(text: str) -> str:
    r"""Return a text as it is, but for lone surrogates, which no UTF-8 file can hold.

    Examples
    --------
    >>> without_surrogates("caf\udce9.png")
    'caf\\xe9.png'
    """
    return SURROGATE.sub(lambda found: _code(ord(found[0])), text)


def _code(point: int) -> str:
    is_byte = BYTES <= point <= BYTES + 0xFF
    return f"\\x{point - BYTES:02x}" if is_byte else f"\\u{point:04x}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_plain(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, str):
        return without_surrogates(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
