"""handgrad evaluate: a model on labelled samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from handgrad.cli.sources import note_bytes
from handgrad.engines import get_engine
from handgrad.jobs.evaluation import evaluate_source
from handgrad.jobs.inputs import load_model
from handgrad.plain_json import show_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handgrad.evaluation import Evaluation


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
    network, chosen = load_model(model), get_engine(engine, threads=threads)
    with terminal.waiting(f"reading {source}"):
        evaluation, dtype = evaluate_source(network, model, source, label=label, engine=chosen)
    note_bytes(model, network, source, dtype)
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
