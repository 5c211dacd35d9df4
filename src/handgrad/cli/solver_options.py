"""The options of solvers and checkpoints: what they are, and which solver takes which."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from handgrad.cli.options import above_zero
from handgrad.errors import TrainingError
from handgrad.solvers import USUAL_INTERVAL, Interval, SolverName
from handgrad.solvers.settings import DEFAULTS, MOST_ITERATIONS, takers


def zero_or_more(value: float | None) -> float | None:
    """Return a number, or refuse it unless it is finite and 0 or more."""
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise typer.BadParameter(f"{value} is not a number of 0 or more.")
    return value


SolverOption = Annotated[SolverName, typer.Option(help="How the network is trained.")]
IterationsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST_ITERATIONS,
        help="Steps of gd (500 by default) and lbfgs (at most 200), each over all rows.",
    ),
]
EpochsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST_ITERATIONS,
        help="Passes of sgd and adam over all rows, in batches (50 by default).",
    ),
]
BatchSizeOption = Annotated[
    int | None, typer.Option(min=1, help="Rows in a batch of sgd and adam (200 by default).")
]
LearningRateOption = Annotated[
    float | None,
    typer.Option(
        callback=above_zero,
        help="η, the size of a step of gd and sgd (0.1 by default) and adam (0.001).",
    ),
]
MomentumOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="The share of the last step that sgd adds (0 by default)."),
]
NesterovOption = Annotated[
    bool | None, typer.Option("--nesterov", help="Nesterov's momentum, for sgd.")
]
TolOption = Annotated[
    float | None,
    typer.Option(
        callback=zero_or_more,
        help="lbfgs ends when no entry of the gradient is larger (0.0001 by default).",
    ),
]
AlphaOption = Annotated[
    float,
    typer.Option(callback=zero_or_more, help="α, which penalises large weights, for any solver."),
]


def interval(text: str | None) -> str | None:
    """Return the interval of checkpoints, or refuse it."""
    if text is not None:
        try:
            Interval.of(text)
        except TrainingError as error:
            raise typer.BadParameter(str(error)) from error
    return text


CheckpointOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="A file for the state of the run, from which --resume continues."
    ),
]
EveryOption = Annotated[
    str | None,
    typer.Option(
        callback=interval,
        metavar="100|30s",
        help="How often the checkpoint is written: after so many iterations or epochs, or after so "
        f"much time ({USUAL_INTERVAL} by default).",
    ),
]
ResumeOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Continue the run of a checkpoint, which knows its settings and its SOURCE. The "
        "checkpoint itself is written again only if --checkpoint names it, too.",
    ),
]


def given(context: typer.Context) -> set[str]:
    """Return the names of the options and arguments on the command line."""
    return {
        name
        for name in context.params
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    }


def settings_of(solver: SolverName, **options: Any) -> dict[str, Any]:
    """Return the settings that were given, or refuse one that the solver does not take.

    An option that was not given is None.
    """
    there = {name: value for name, value in options.items() if value is not None}
    known = {name for defaults in DEFAULTS.values() for name in defaults}
    for name in there:
        if name in known and name not in DEFAULTS[solver]:
            raise typer.BadParameter(
                f"--{name.replace('_', '-')} belongs to {takers(name)}; "
                f"the solver is {solver}, which does not take it."
            )
    return {"solver": solver} | there
