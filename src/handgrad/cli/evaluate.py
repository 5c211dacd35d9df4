"""handgrad evaluate: a model on samples whose labels or values are known."""

from __future__ import annotations

from handgrad.cli import terminal
from handgrad.cli.app import app
from handgrad.cli.evaluations import headline, print_evaluation
from handgrad.cli.network_options import label_columns
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

NAMES = {"classes": "class_names", "labels": "label_names", "values": "value_names"}  # in JSON


@app.command(name="evaluate", epilog="Example: [green]handgrad evaluate model.safetensors mnist[/]")
def evaluate_model(
    model: ModelArgument,
    source: SourceArgument,
    label: LabelOption = None,
    engine: EngineOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Test a model on labelled samples: the test samples of SOURCE, or all if it has none.

    A model that predicts values is tested on the columns of its values: the mean squared error and
    R² take the place of accuracy and confusion matrix.
    """
    network, chosen = load_model(model), get_engine(engine, threads=threads)
    with terminal.waiting(f"reading {source}"):
        evaluation, dtype = evaluate_source(
            network, model, source, label=label_columns(label), engine=chosen
        )
    note_bytes(model, network, source, dtype)
    if as_json:
        show_json({NAMES[network.predicts]: network.class_names} | evaluation.to_dict())
        return
    print_evaluation(evaluation, network.class_names)
    terminal.results().print(
        f"[bold]{headline(evaluation)}[/] and cost {terminal.cost_text(evaluation.cost)} "
        f"on {evaluation.samples:,} samples"
    )
