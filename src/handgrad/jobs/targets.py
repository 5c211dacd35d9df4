"""The targets of a job: the columns of a source that hold them, and the output that fits them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from handgrad.arguments import check_choice
from handgrad.data.targets import USUAL_LABEL, TargetColumns
from handgrad.errors import TrainingError
from handgrad.objective import OUTPUT_OF_VALUES, Objective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handgrad.model import Model
    from handgrad.network import Network, Output
    from handgrad.objective import ValueLoss
    from handgrad.reading import Predicts

OUTPUTS: dict[Predicts, Output] = {"classes": "softmax", "labels": "logistic"}


def named_columns(label: str | Sequence[str] | None, *, regression: bool = False) -> TargetColumns:
    """Return the columns to predict: values of a regression, several labels, or one of classes.

    Examples
    --------
    >>> named_columns("species").predicts, named_columns(["sport", "politics"]).predicts
    ('classes', 'labels')
    """
    label = label or USUAL_LABEL
    if regression:
        return TargetColumns.of(label, "values")
    return TargetColumns.of(label, "classes" if isinstance(label, str) else "labels")


def columns_of(model: Model, label: str | Sequence[str] | None) -> TargetColumns:
    """Return the columns of a model's targets: those of its training, or those that a caller names.

    A single value that had no name, as in arrays, is looked for under the usual name.
    """
    names: str | Sequence[str] | None = label
    if not names and model.predicts == "classes":
        names = model.label
    elif not names and (model.label or model.class_names != ("0",)):
        names = model.class_names
    return TargetColumns.of(names or USUAL_LABEL, model.predicts)


def output_for(predicts: Predicts, loss: ValueLoss | None = None) -> Output:
    """Return the output of networks for such targets; for values, the loss decides it.

    Raises
    ------
    TrainingError
        If there is a loss for anything else than values, or an unknown one.

    Examples
    --------
    >>> output_for("values"), output_for("values", "poisson"), output_for("classes")
    ('identity', 'exp', 'softmax')
    """
    if predicts == "values":
        chosen = "squared_error" if loss is None else loss
        check_choice("loss", chosen, tuple(OUTPUT_OF_VALUES), TrainingError)
        return OUTPUT_OF_VALUES[chosen]
    if loss is not None:
        raise TrainingError(
            f"loss is {loss!r}, which belongs to values; {predicts} have the log loss: leave loss "
            "out, or pass regression=True."
        )
    return OUTPUTS[predicts]


def described(network: Network) -> dict[str, Any]:
    """Return the layers and the loss of a network as settings of a run.

    One hidden layer is a number, several are a list.

    Examples
    --------
    >>> from handgrad import Network
    >>> described(Network.initial(hidden=(8, 5), activation="tanh"))
    {'hidden': [8, 5], 'activation': 'tanh', 'loss': 'log_loss'}
    """
    sizes = list(network.hidden)
    return {
        "hidden": sizes[0] if len(sizes) == 1 else sizes,
        "activation": network.activation if sizes else None,
        "loss": Objective(network.output).loss,
    }


def names_in(text: str) -> str | tuple[str, ...]:
    r"""Return the column that a text names, or several with commas between them.

    A comma that belongs to a name has a backslash before it.

    Examples
    --------
    >>> names_in("price"), names_in("width, height"), names_in(r"Paris\, France")
    ('price', ('width', 'height'), 'Paris, France')
    """
    names = [name.replace("\\,", ",") for name in re.split(r"(?<!\\),", text)]
    return names[0] if len(names) == 1 else tuple(name.strip() for name in names)


def as_text(columns: TargetColumns) -> str:
    r"""Return the names of columns as one text, which `names_in` reads.

    The column of classes keeps its name, even with a comma in it.

    Examples
    --------
    >>> as_text(TargetColumns("values", ("width", "Paris, France")))
    'width,Paris\\, France'
    """
    if columns.predicts == "classes":
        return columns.names[0]
    return ",".join(name.replace(",", "\\,") for name in columns.names)
