"""handgrad export: a model in a form that other programs use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from handgrad.cli import terminal
from handgrad.cli.app import app
from handgrad.cli.options import JsonOption, LabelOption, ModelArgument
from handgrad.cli.sources import model_and_own_samples, note_bytes
from handgrad.export import export_html
from handgrad.files.atomic import check_writable
from handgrad.files.overlaps import check_distinct
from handgrad.glassbox.payload import MOST_SAMPLES, check_shown
from handgrad.jobs.inputs import load_model
from handgrad.plain_json import show_json


@app.command(
    epilog="Example: [green]handgrad export model.safetensors --format html --out digits.html[/]"
)
def export(
    model: ModelArgument,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="Samples to include; by default those that the model was trained on.",
        ),
    ] = None,
    form: Annotated[
        Literal["html"], typer.Option("--format", help="html: the glass box as one page.")
    ] = "html",
    out: Annotated[
        Path | None, typer.Option(help="The file to write; by default next to MODEL.")
    ] = None,
    samples: Annotated[
        int, typer.Option(min=0, max=MOST_SAMPLES, help="The most samples to include.")
    ] = MOST_SAMPLES,
    label: LabelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a model in a form that other programs use: the interactive page as one HTML file.

    Any browser opens it from disk. The page sends no request. It shows networks with one hidden
    layer of ReLU units whose output is a softmax.
    """
    out = out or model.parent / f"{model.stem}.{form}"
    check_distinct((model, source), (out,))
    check_writable(out)
    check_shown(load_model(model))
    network, chosen = model_and_own_samples(model, source, label)
    check_distinct((chosen.source if chosen else None,), (out,))
    page = export_html(network, out, chosen, most=samples)
    if chosen is not None:
        note_bytes(model, network, chosen.source, chosen.X.dtype)
    if as_json:
        show_json({"file": str(out), "format": form} | page._asdict())
        return
    terminal.show_line(
        f"page: {out}, {page.bytes / 1000:,.0f} kB with {page.samples} samples; "
        "open it in a browser"
    )
