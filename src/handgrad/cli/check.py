"""handgrad check: every formula, checked by machine."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer

from handgrad import data
from handgrad.cli import terminal
from handgrad.cli.app import app
from handgrad.cli.options import JsonOption, LabelOption
from handgrad.derivation.checks import check_formulas
from handgrad.errors import ExitStatus, MissingPackageError
from handgrad.plain_json import show_json

DIGITS_CHECKED = 20


@app.command(epilog="Example: [green]handgrad check[/]")
def check(
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="Real samples to check on; mnist-5k by default."),
    ] = None,
    label: LabelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every formula by machine, and exit with 1 if any fails.

    These are the formulas of the notes, and those of any depth, activation and
    output. Each is compared in float64 with an independent value: derivatives
    with central differences and with the complex step, matrix products with
    sums over samples.
    """
    checks = check_formulas(*_samples_to_check(source, label))
    if as_json:
        show_json([check.to_dict() for check in checks])
    else:
        terminal.results().print(terminal.check_table(checks))
    if not all(check.passed for check in checks):
        raise typer.Exit(ExitStatus.FAILED)


def _samples_to_check(source: str | None, label: str | None) -> tuple[Any, Any]:
    """Return some rows and labels of all classes; none if the default is not installed."""
    try:
        dataset = data.load(
            data.USUAL_SOURCE if source is None else source, label=label or data.USUAL_LABEL
        )
    except MissingPackageError as error:
        if source is not None:
            raise
        terminal.show_line(f"Checked only on random networks: {error}", terminal.passing())
        return None, None
    spread = np.linspace(0, len(dataset.X_train) - 1, DIGITS_CHECKED).astype(int)
    return dataset.X_train[spread], dataset.y_train[spread]
