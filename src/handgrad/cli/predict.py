"""handgrad predict: labels and probabilities, or values, of samples as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handgrad.cli.app import app
from handgrad.cli.options import EngineOption, JsonOption, LabelOption, ModelArgument, ThreadsOption
from handgrad.cli.sources import model_and_samples, note_bytes
from handgrad.engines import get_engine
from handgrad.evaluation import predicted_outputs
from handgrad.files.atomic import check_writable, write_atomically
from handgrad.files.overlaps import check_distinct
from handgrad.jobs.predictions import prediction_rows, predictions_csv
from handgrad.plain_json import plain_json


@app.command(
    epilog="Examples:\n\n[green]handgrad predict model.safetensors digit.png[/]\n\n"
    "[green]handgrad predict model.safetensors unlabelled.csv --out predictions.csv[/]"
)
def predict(
    model: ModelArgument,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Samples, with labels or without; also images in a file or folder.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The file to write; by default standard output.")
    ] = None,
    label: LabelOption = None,
    engine: EngineOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict each sample's label, as CSV: sample, label, and the probability of each class.

    A model that predicts values writes one column per value.
    """
    if out is not None:
        check_distinct((model, source), (out,))
        check_writable(out)
    network, samples = model_and_samples(model, source, label)
    chosen = get_engine(engine, threads=threads)
    outputs = predicted_outputs(network, samples.X, engine=chosen)
    note_bytes(model, network, samples.source, samples.X.dtype)
    if as_json:
        content = plain_json(prediction_rows(network, samples.names, outputs)) + "\n"
    else:
        content = predictions_csv(network, samples.names, outputs)
    if out is None:
        print(content, end="")
    else:
        write_atomically(out, content.encode())
