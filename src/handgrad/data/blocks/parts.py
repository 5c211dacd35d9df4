"""Parts of a source: which files hold rows to train on, and which to test on."""

from __future__ import annotations

import re
from typing import TypeVar

from handgrad.errors import DataError
from handgrad.quoting import listed, named, quoted

TRAIN, TEST = "train", "test"
NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "test": TEST,
    "testing": TEST,
    "t10k": TEST,
    "valid": "validation",
    "val": "validation",
    "validation": "validation",
    "dev": "validation",
}
OF_SEVERAL = re.compile(r"(\w+)-\d{5}-of-\d{5}")  # how Hugging Face names files
IN_A_NAME = re.compile(rf"({'|'.join(NAMES)})(?=[-_.]|$)", re.IGNORECASE)

File = TypeVar("File")


def part_of(name: str) -> str | None:
    """Return the part that a file or one of its folders names.

    Examples
    --------
    >>> part_of("mnist/test-00000-of-00001.parquet"), part_of("train/a.csv"), part_of("rows.csv")
    ('test', 'train', None)
    """
    for component in reversed(name.split("/")):
        found = IN_A_NAME.match(component)
        if found:
            return NAMES[found[1].lower()]
        of_several = OF_SEVERAL.match(component)
        if of_several:
            return of_several[1]
    return None


def by_part(source: str, files: list[tuple[str, File]]) -> dict[str | None, list[File]]:
    """Sort files by their part; refuse files that name no part beside files that do."""
    parts: dict[str | None, list[File]] = {}
    for name, file in files:
        parts.setdefault(part_of(name), []).append(file)
    if None in parts and len(parts) > 1:
        stray = next(name for name, _ in files if part_of(name) is None)
        others = sorted(part for part in parts if part is not None)
        raise DataError(
            f"{named(source)} holds {quoted(stray)} beside files of the parts {listed(others)}; "
            "expected that every name says its part, or none."
        )
    return parts


def chosen_part(source: str, parts: dict[str | None, File], part: str | None) -> str | None:
    """Return the part to open: the one that is asked for, or the training part."""
    if part is not None:
        wanted = NAMES.get(part.lower(), part)
        if wanted in parts:
            return wanted
        known = sorted(name for name in parts if name is not None)
        raise DataError(
            f"{named(source)} has no part {quoted(part)}; "
            + (f"expected one of {listed(known)}." if known else "its files name no parts.")
        )
    if len(parts) == 1:
        return next(iter(parts))
    if TRAIN in parts:
        return TRAIN
    raise DataError(
        f"{named(source)} has the parts {listed(sorted(map(str, parts)))}, none of them to train "
        "on; expected the name of one: part=…"
    )
