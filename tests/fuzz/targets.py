"""All targets by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fuzz import (
    block_files,
    checkpoint_files,
    command_lines,
    csv_files,
    gzip_files,
    idx_files,
    image_files,
    model_files,
    native_calls,
    numpy_files,
    page_requests,
)

if TYPE_CHECKING:
    from fuzz.outcome import Target

FILES = (
    idx_files,
    gzip_files,
    csv_files,
    numpy_files,
    image_files,
    model_files,
    checkpoint_files,
    block_files,
)
CALLS = (native_calls, command_lines, page_requests)
TARGETS = {module.NAME: cast("Target", module) for module in (*FILES, *CALLS)}
INPUTS = dict.fromkeys((m.NAME for m in FILES), 200_000) | dict.fromkeys(
    (m.NAME for m in CALLS), 20_000
)
QUICK = dict.fromkeys((m.NAME for m in FILES), 8_000) | dict.fromkeys((m.NAME for m in CALLS), 800)
