"""handgrad studio: training that the browser starts, stops and steers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from handgrad.cli import terminal
from handgrad.cli.app import app
from handgrad.cli.live_page import live_page, live_run
from handgrad.cli.network_options import HiddenOption, hidden_sizes
from handgrad.cli.options import (
    BrowserOption,
    EngineOption,
    JsonOption,
    LabelOption,
    PortOption,
    SeedOption,
    ThreadsOption,
    above_zero,
)
from handgrad.files.atomic import check_writable
from handgrad.files.overlaps import check_distinct
from handgrad.files.storage import save
from handgrad.glassbox.live import watching
from handgrad.glassbox.payload import check_layers, check_shown
from handgrad.jobs.inputs import load_model
from handgrad.jobs.training import prepare_further_training, prepare_training
from handgrad.solvers.settings import MOST_ITERATIONS


@app.command(
    epilog="Examples:\n\n[green]handgrad studio[/]\n\n"
    "[green]handgrad studio model.safetensors mnist-5k[/]"
)
def studio(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL", help="A model file that train wrote; a fresh network by default."
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="Data; mnist-5k by default.")
    ] = None,
    hidden: HiddenOption = "10",
    iterations: Annotated[
        int, typer.Option(min=1, max=MOST_ITERATIONS, help="Steps of each start, over all rows.")
    ] = 500,
    learning_rate: Annotated[
        float, typer.Option(callback=above_zero, help="η, the size of a step.")
    ] = 0.1,
    seed: SeedOption = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="The file to which the newest network is written at the end."),
    ] = None,
    port: PortOption = watching.USUAL_PORT,
    browser: BrowserOption = True,
    label: LabelOption = None,
    engine: EngineOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train from the browser: start and stop, change η, and look inside while it trains.

    The page shows networks with one hidden layer of ReLU units whose output is
    a softmax. It is served to this machine alone, until Ctrl-C or until the
    terminal closes. Each start adds --iterations steps. To replace MODEL by the further
    trained network, name it again: --out MODEL.
    """
    path, source = watching.model_and_source(model, source)
    if out is not None:
        check_distinct((source,), (out,))
        check_writable(out)
    if path is None:
        check_layers(hidden_sizes(hidden), "relu")
    else:
        check_shown(load_model(path))
    settings: dict[str, Any] = {
        "iterations": iterations,
        "learning_rate": learning_rate,
        "engine": engine,
        "threads": threads,
    }
    with terminal.waiting(f"reading {source}"):
        if path is None:
            sizes = hidden_sizes(hidden)
            job = prepare_training(source, label=label, hidden=sizes, seed=seed, **settings)
        else:
            job = prepare_further_training(path, source, label=label, **settings)
    live = live_run(job)
    with live_page(live, job.model, port, browser, as_json=as_json) as (_, asked, _opened):
        watching.wait_until(asked)
        live.close()
    if out is not None:
        save(job.model.with_parameters(live.snapshot().network.parameters), out)
