"""The live page of a command: its address, its browser, and its end."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from handgrad.cli import terminal
from handgrad.glassbox.live import watching
from handgrad.glassbox.live.run import LiveRun
from handgrad.glassbox.payload import build_payload
from handgrad.plain_json import show_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from threading import Event

    from handgrad.glassbox.live.server import LiveServer
    from handgrad.jobs.training import TrainingJob
    from handgrad.model import Model
    from handgrad.network import Network
    from handgrad.solvers import Checkpoints, Result


def live_run(job: TrainingJob, *, held: bool = False) -> LiveRun:
    """Return the run of a training job."""
    return LiveRun(
        job.network,
        job.dataset,
        engine=job.engine,
        training=job.training,
        start=job.start,
        held=held,
    )


@contextmanager
def watched(
    job: TrainingJob, port: int, browser: bool, checkpoints: Checkpoints | None = None
) -> Iterator[tuple[Result, dict[str, Any]]]:
    """Train while the page shows the run; the page stays after the results are printed.

    Yields the result, and the settings that the page may have changed.
    """
    live = live_run(job, held=True)
    with live_page(live, job.model, port, browser) as (server, asked, opened):
        with terminal.waiting("waiting for the page to be opened"):
            watching.wait_for_viewer(server, asked, opened=opened)
        if asked.is_set():
            raise KeyboardInterrupt
        with terminal.training_progress(live.state().iterations, asked) as show:
            run = live.run(show, checkpoints, asked.is_set)
        rate = live.state().learning_rate
        yield run, {} if rate is None else {"learning_rate": rate}
        sys.stdout.flush()
        if not asked.is_set():
            terminal.passing().print("The page stays until Ctrl-C.")
            watching.wait_until(asked)


@contextmanager
def live_page(
    live: LiveRun, model: Model, port: int, browser: bool, *, as_json: bool | None = None
) -> Iterator[tuple[LiveServer, Event, bool]]:
    """Serve the page, print its address, and open it; yield also whether a browser opened.

    If ``as_json`` is True or False, the address is the result of the command and is printed to
    standard output, as JSON or as text.
    """

    def describe(network: Network) -> Mapping[str, Any]:
        X, y = live.dataset.to_show
        newest = model.with_parameters(network.parameters)
        return build_payload(newest, X, y, learning_rate=live.state().learning_rate, live=True)

    with watching.endings() as asked, watching.serving(live, describe, port=port) as server:
        address = f"{server.address}#view=descend"
        if as_json:
            show_json({"address": address, "port": server.port})
        else:
            console = terminal.passing() if as_json is None else terminal.results()
            terminal.show_line(f"The page: {address}", console)
            console.print("Only this machine can open it; Ctrl-C ends it.")
        sys.stdout.flush()
        yield server, asked, browser and watching.open_in_browser(server, "#view=descend")
