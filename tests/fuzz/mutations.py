"""Damage for bytes, numbers and JSON: what every target is mutated with."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

EDGES = sorted(
    {0, 1, 2, 3, 4, 7, 8, 16, 28, 100, 255, 256, 784, 1000, 65535, 65536, 2**20}
    | {2**power + step for power in (7, 8, 15, 16, 24, 31, 32, 53, 62, 63, 64) for step in (-1, 0)}
)
WIDTHS = {1: "B", 2: "H", 4: "I", 8: "Q"}
DEEP = 400

TEXTS = [
    *("", " ", "0", "-1", "nan", "x" * 300, "\x00", "\x1b[31m", "\n", "\r\n", "\t", '"', "'"),
    *("\u2028", "\ufeff", "\ud800", "\U0001f600", "\u0663", "\uff11", "\xb2", "\U0001d7d8", "é"),
    *("../x", "/dev/zero", "<b>&", "[red]", "%s", "{0}", "__class__", "=1+1", "class", "label"),
]
JSON_VALUES: list[Any] = [
    *(None, True, False, 0, 1, 2, 3, -1, -0.0, 0.5, 1e-320, 1e308, -1e308, 255, 1 / 255),
    *(float("nan"), float("inf"), float("-inf"), 10**400, -(10**400), 10**4000, 10**18, 2**63),
    *(2**64, 2**31, 2**31 - 1, 2**53 + 1, [], {}, [[]], [1], [0, 0], [2, 2], [-1, -4], [1.0, 4.0]),
    *([True, 4], ["a"], ["a", "a"], [None], {"a": 1}, {"format_version": 1}, "U", "<i8", "<f4"),
    *("|b1", "O", "|O", "<U3", "V8", "<M8[s]", "network", "model", "estimator", "adam", "sgd"),
    *("lbfgs", "relu", "balanced", "F32", "F64", "U8", "I64", "BF16"),
]


def damage(random: Random, content: bytes, most: int = 4) -> bytes:
    """Change a few bytes, without a thought of what they mean."""
    changed = bytearray(content)
    for _ in range(random.randint(1, most)):
        random.choice(_DAMAGES)(random, changed)
    return bytes(changed)


def number(random: Random, width: int = 4) -> int:
    """Return an integer of so many bytes, mostly one at which programs break."""
    if random.random() < 0.2:
        return random.randrange(256**width)
    return int(random.choice(EDGES) % 256**width)


def text(random: Random) -> str:
    """Return a text at which programs break, or two."""
    chosen = random.choice(TEXTS)
    return chosen + random.choice(TEXTS) if random.random() < 0.2 else chosen


def json_value(random: Random) -> Any:
    """Return a value that is seldom the one that is expected."""
    kind = random.random()
    if kind < 0.75:
        return random.choice(JSON_VALUES)
    if kind < 0.99:
        return text(random)
    return nested(DEEP)


def nested(depth: int) -> list[Any]:
    """Return lists within lists."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def damage_json(random: Random, value: Any, most: int = 3) -> Any:
    """Return a copy with some parts replaced, removed, doubled, renamed, or moved."""
    for _ in range(random.randint(1, most)):
        value = _damaged_once(random, value)
    return value


def _damaged_once(random: Random, value: Any) -> Any:
    deeper = isinstance(value, dict | list) and len(value) > 0 and random.random() < 0.85
    if not deeper:
        return json_value(random)
    if isinstance(value, dict):
        return _damaged_object(random, dict(value))
    return _damaged_list(random, list(value))


def _damaged_object(random: Random, value: dict[str, Any]) -> dict[str, Any]:
    name, other = random.choice(list(value)), random.choice(list(value))
    how = random.randrange(12)
    if how == 0:
        del value[name]
    elif how == 1:
        value[text(random)] = json_value(random)
    elif how == 2:
        value[text(random)] = value.pop(name)
    elif how == 3:
        value[name], value[other] = value[other], value[name]
    else:
        value[name] = _damaged_once(random, value[name])
    return value


def _damaged_list(random: Random, value: list[Any]) -> list[Any]:
    place, how = random.randrange(len(value)), random.randrange(8)
    if how == 0:
        del value[place]
    elif how == 1:
        value.insert(place, value[place])
    elif how == 2:
        value.insert(place, json_value(random))
    elif how == 3:
        value.reverse()
    else:
        value[place] = _damaged_once(random, value[place])
    return value


def _span(random: Random, content: bytearray) -> slice:
    start = random.randrange(len(content) + 1)
    return slice(start, start + random.choice((1, 1, 2, 4, 8, 64, len(content))))


def _flip_a_bit(random: Random, content: bytearray) -> None:
    if content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)


def _set_a_byte(random: Random, content: bytearray) -> None:
    if content:
        content[random.randrange(len(content))] = random.randrange(256)


def _set_a_number(random: Random, content: bytearray) -> None:
    width = random.choice(list(WIDTHS))
    order = random.choice("<>")
    start = random.randrange(max(1, min(len(content), 512)))  # headers stand at the beginning
    content[start : start + width] = struct.pack(order + WIDTHS[width], number(random, width))


def _insert(random: Random, content: bytearray) -> None:
    start = random.randrange(len(content) + 1)
    content[start:start] = random.randbytes(random.choice((1, 1, 2, 4, 100)))


def _delete(random: Random, content: bytearray) -> None:
    del content[_span(random, content)]


def _duplicate(random: Random, content: bytearray) -> None:
    start = random.randrange(len(content) + 1)
    content[start:start] = content[_span(random, content)][:4096]


def _move(random: Random, content: bytearray) -> None:
    moved = content[_span(random, content)]
    start = random.randrange(len(content) + 1)
    content[start : start + len(moved)] = moved


def _zero(random: Random, content: bytearray) -> None:
    span = _span(random, content)
    content[span] = bytes(len(content[span]))


def _truncate(random: Random, content: bytearray) -> None:
    del content[random.randrange(len(content) + 1) :]


def _extend(random: Random, content: bytearray) -> None:
    content += random.randbytes(random.choice((1, 2, 8, 300)))


_DAMAGES: list[Callable[[Random, bytearray], None]] = [
    _flip_a_bit,
    _flip_a_bit,
    _set_a_byte,
    _set_a_number,
    _set_a_number,
    _insert,
    _delete,
    _duplicate,
    _move,
    _zero,
    _truncate,
    _extend,
]
