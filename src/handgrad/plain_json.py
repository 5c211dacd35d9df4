"""JSON that every reader takes."""

from __future__ import annotations

import json
import math
import re
from typing import Any

SURROGATE = re.compile("[\ud800-\udfff]")


def plain_json(value: object) -> str:
    r"""Return a value as JSON; numbers that are not finite become null.

    A file's name that is not UTF-8 keeps its undecoded bytes in the form in which errors show
    them, since many readers refuse half of a surrogate pair.

    Examples
    --------
    >>> plain_json({"cost": math.inf, "sample": "caf\udce9.png"})
    '{"cost": null, "sample": "caf\\\\udce9.png"}'
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
    'caf\\udce9.png'
    """
    return SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_plain(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, str):
        return without_surrogates(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
