"""Reads models and samples for commands, and prints what takes long or may surprise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.cli import terminal
from handgrad.cli.network_options import label_columns
from handgrad.export import own_samples
from handgrad.jobs.inputs import load_model, samples_for

if TYPE_CHECKING:
    from pathlib import Path

    from handgrad.data import Samples
    from handgrad.model import Model


def model_and_samples(path: Path, source: str, label: str | None) -> tuple[Model, Samples]:
    """Read a model, and samples for it."""
    model = load_model(path)
    with terminal.waiting(f"reading {source}"):
        return model, samples_for(model, path, source, label=label_columns(label))


def note_bytes(path: Path, model: Model, source: str, dtype: np.dtype[Any]) -> None:
    """Say, at the end of a command, that its model read bytes as numbers."""
    if not model.pixels and dtype == np.uint8:
        terminal.show_line(
            f"{path} was fitted without pixels=True: it takes the bytes of {source} as "
            "they are, from 0 to 255.",
            terminal.passing(),
        )


def model_and_own_samples(
    path: Path, source: str | None, label: str | None
) -> tuple[Model, Samples | None]:
    """Read a model, and samples of a source or of what it was trained on."""
    if source is not None:
        return model_and_samples(path, source, label)
    model = load_model(path)
    with terminal.waiting("reading samples"):
        samples = own_samples(model, label=label)
    if samples is None:
        terminal.passing().print(
            "The samples that the model was trained on were not found, so the page takes only "
            "drawings. Name a SOURCE to include samples."
        )
    return model, samples
