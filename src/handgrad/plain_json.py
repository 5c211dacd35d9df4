"""JSON that every parser accepts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from handgrad.quoting import without_surrogates


def plain_json(value: object) -> str:
    r"""Return a value as JSON; numbers that are not finite become null.

    Bytes of a file name that are not UTF-8 are escaped, because Python represents them as lone
    surrogates, which many parsers of JSON refuse.

    Examples
    --------
    >>> plain_json({"cost": math.inf, "sample": "caf\udce9.png"})
    '{"cost": null, "sample": "caf\\\\xe9.png"}'
    """
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(plain(value), allow_nan=False)
    # Most values need no change; "\ud" starts a surrogate, lone or not.
    return json.dumps(plain(value)) if "\\ud" in text else text


def show_json(value: object) -> None:
    """Print a value as JSON on one line."""
    print(plain_json(value))


def plain(value: Any) -> Any:
    """Return a value in types that JSON has; a value of any other type becomes text.

    Examples
    --------
    >>> plain({"cost": math.nan, "shape": (2, 3), 5: True})
    {'cost': None, 'shape': [2, 3], '5': True}
    """
    if isinstance(value, Mapping):
        return {without_surrogates(str(key)): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    return without_surrogates(str(value))
