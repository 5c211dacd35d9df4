"""A model on the samples of a source whose targets are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad import data
from handgrad.errors import DataError
from handgrad.evaluation import evaluate
from handgrad.jobs.inputs import check_features, samples_for
from handgrad.jobs.streaming import Streaming
from handgrad.jobs.targets import columns_of
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from handgrad.data import Blocks
    from handgrad.engines import Engine
    from handgrad.evaluation import Evaluation
    from handgrad.model import Model


def evaluate_source(
    model: Model,
    path: Path,
    source: str,
    *,
    label: str | Sequence[str] | None,
    engine: Engine,
) -> tuple[Evaluation, np.dtype[np.generic]]:
    """Test the model in ``path`` on a source; return also the type of the source's rows.

    The test samples are taken, or all samples if there are none. A source that takes more than a
    quarter of the free memory is read in blocks.

    Raises
    ------
    DataError
        If the source has no labels or values, or does not fit the model.
    """
    blocks = _large_blocks(model, path, source, label)
    if blocks is not None:
        return evaluate(model, blocks, None, engine=engine), blocks.dtype
    samples = samples_for(model, path, source, label=label)
    if samples.y is None:
        raise DataError(
            f"{source} has no {_targets(model)}; expected some: name their column with --label, "
            "or use handgrad predict, which needs none."
        )
    y = data.match_labels(samples, model.class_names)
    return evaluate(model, samples.X, y, engine=engine), samples.X.dtype


def _targets(model: Model) -> str:
    return "values" if model.predicts == "values" else "labels"


def _large_blocks(
    model: Model, path: Path, source: str, label: str | Sequence[str] | None
) -> Blocks | None:
    """Return a source in blocks, with the targets of the model; None if it fits into memory."""
    blocks = Streaming().blocks_of(source, columns_of(model, label), model.feature_names)
    if blocks is None:
        return None
    check_features(blocks.features, source, model.D, f"{named(path)} takes")
    return (blocks.test_part() or blocks).with_classes(model.class_names)
