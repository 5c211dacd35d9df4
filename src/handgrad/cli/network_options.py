"""The options of a network: its layers, and what it predicts."""

from __future__ import annotations

from collections.abc import Container
from typing import Annotated

import typer

from handgrad.initial import Scheme
from handgrad.jobs.targets import names_in
from handgrad.layers import Activation
from handgrad.objective import ValueLoss

MOST_DIGITS = 40  # of a number of units: more than any machine can hold


def hidden_sizes(text: str) -> tuple[int, ...]:
    """Return the units of each hidden layer, or refuse the text.

    Examples
    --------
    >>> hidden_sizes("10"), hidden_sizes("100,50"), hidden_sizes("0")
    ((10,), (100, 50), ())
    """
    sizes = [part.strip() for part in text.split(",")]
    are_numbers = all(s.isascii() and s.isdigit() and len(s) <= MOST_DIGITS for s in sizes)
    units = tuple(map(int, sizes)) if are_numbers else (0, 0)
    if units == (0,):
        return ()
    if 0 in units:
        raise typer.BadParameter(
            f"{text!r} is not a number of units such as 10, several with commas such as 100,50, "
            "or 0 for no hidden layer."
        )
    return units


def _checked_sizes(text: str) -> str:
    hidden_sizes(text)
    return text


HiddenOption = Annotated[
    str,
    typer.Option(
        callback=_checked_sizes,
        metavar="10|100,50|0",
        help="Units of the hidden layer, or of each of several; 0 for no hidden layer.",
    ),
]
ActivationOption = Annotated[Activation, typer.Option(help="The activation of the hidden units.")]
InitialOption = Annotated[
    Scheme | None,
    typer.Option(
        help="How the initial values are drawn: by default he for relu and leaky_relu, and glorot "
        "for the others."
    ),
]
RegressionOption = Annotated[
    bool,
    typer.Option(
        "--regression", help="Predict values: the label columns hold numbers, not classes."
    ),
]
LossOption = Annotated[
    ValueLoss | None,
    typer.Option(help="The loss of --regression: squared_error by default; poisson for counts."),
]


def check_network_options(asked: Container[str], hidden: str, *, regression: bool) -> None:
    """Refuse an option that belongs to another one, if that is missing or says otherwise."""
    if "loss" in asked and not regression:
        raise typer.BadParameter("--loss belongs to --regression, which is missing.")
    if "activation" in asked and not hidden_sizes(hidden):
        raise typer.BadParameter(
            "--activation belongs to hidden units; --hidden 0 asks for no hidden layer."
        )


def label_columns(text: str | None) -> str | tuple[str, ...] | None:
    """Return the label column, or several with commas between them."""
    return None if text is None else names_in(text)
