"""handgrad info: what is installed here."""

from __future__ import annotations

from handgrad.cli import terminal
from handgrad.cli.app import app
from handgrad.cli.options import JsonOption
from handgrad.jobs.information import installation
from handgrad.plain_json import show_json


@app.command(epilog="Example: [green]handgrad info --json[/]")
def info(as_json: JsonOption = False) -> None:
    """Show versions, engine, instruction set and threads."""
    facts = installation()
    if as_json:
        show_json(facts)
    else:
        terminal.results().print(terminal.fact_table(facts))
