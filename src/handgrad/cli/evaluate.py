"""handgrad evaluate: a model on labelled samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad import data
from handgrad.cli import terminal
from handgrad.cli.app import app
from handgrad.cli.options import (
    EngineOption,
    JsonOption,
    LabelOption,
    ModelArgument,
    SourceArgument,
    ThreadsOption,
)
from handgrad.cli.sources import model_and_samples, note_bytes
from handgrad.engines import get_engine
from handgrad.errors import DataError
from handgrad.evaluation import Evaluation, evaluate
from handgrad.plain_json import show_json

if TYPE_CHECKING:
    from collections.abc import Sequence


@app.command(name="evaluate", epilog="Example: [green]handgrad evaluate model.safetensors mnist[/]")
def evaluate_model(
    model: ModelArgument,
    source: SourceArgument,
    label: LabelOption = None,
    engine: EngineOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Test a model on labelled samples: the test samples of SOURCE, or all if it has none."""
    network, samples = model_and_samples(model, source, label)
    if samples.y is None:
        raise DataError(
            f"{source} has no labels; expected some: name their column with --label, "
            "or use handgrad predict, which needs none."
        )
    y = data.match_labels(samples, network.class_names)
    evaluation = evaluate(network, samples.X, y, engine=get_engine(engine, threads=threads))
    note_bytes(model, network, samples)
    if as_json:
        show_json({"class_names": network.class_names} | evaluation.to_dict())
        return
    print_evaluation(evaluation, network.class_names)
    terminal.results().print(
        f"[bold]accuracy {evaluation.accuracy:.2%}[/] and cost {evaluation.cost:.4f} "
        f"on {evaluation.samples:,} samples"
    )


def print_evaluation(evaluation: Evaluation, class_names: Sequence[str]) -> None:
    """Print the figures of each class, and the confusion matrix."""
    show = terminal.results().print
    show(terminal.class_table(evaluation, class_names))
    show(terminal.confusion_table(evaluation, class_names))
