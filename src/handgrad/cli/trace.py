"""handgrad trace: every matrix of one sample's pass."""

from __future__ import annotations

from typing import Annotated

import typer

from handgrad import data
from handgrad.cli import terminal
from handgrad.cli.app import app
from handgrad.cli.options import JsonOption, LabelOption, ModelArgument, SourceArgument, above_zero
from handgrad.cli.sources import model_and_samples, note_bytes
from handgrad.data import USUAL_SOURCE
from handgrad.glassbox import Trace
from handgrad.glassbox.table import rows_note, trace_table


@app.command(
    epilog="Example: [green]handgrad trace model.safetensors mnist-5k --sample 7 --full[/]"
)
def trace(
    model: ModelArgument,
    source: SourceArgument = USUAL_SOURCE,
    sample: Annotated[int, typer.Option(min=0, help="Which sample, counted from 0.")] = 0,
    learning_rate: Annotated[
        float, typer.Option(callback=above_zero, help="η of the step at the end.")
    ] = 0.1,
    full: Annotated[bool, typer.Option("--full", help="Print every value.")] = False,
    label: LabelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every matrix of one sample's forward and backward pass.

    The sample is one of the test samples of SOURCE, or of all samples if it has no test samples.
    Without labels or values the trace ends with the prediction.
    """
    network, samples = model_and_samples(model, source, label)
    if sample >= len(samples.X):
        raise typer.BadParameter(
            f"{source} has {len(samples.X)} samples, counted from 0.", param_hint="--sample"
        )
    one = slice(sample, sample + 1)
    y = None if samples.y is None else data.match_labels(samples, network.class_names)[one]
    passes = Trace(network, samples.X[one], y, learning_rate=learning_rate)
    note_bytes(model, network, samples.source, samples.X.dtype)
    if as_json:
        print(passes.to_json())
        return
    show = terminal.results().print
    if network.image_shape is not None:
        show(terminal.picture(network.rows(samples.X[one])[0], network.image_shape), markup=False)
    width = terminal.results().width
    show(trace_table(passes.steps, full=full, width=width))
    terminal.show_line(rows_note(network))
