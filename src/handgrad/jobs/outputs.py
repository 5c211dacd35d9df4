"""What a job predicts: the columns of a source that hold it, and the network's output for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from handgrad.arguments import check_choice
from handgrad.data.targets import USUAL_LABEL, TargetColumns
from handgrad.errors import TrainingError
from handgrad.objective import Objective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handgrad.model import Model
    from handgrad.network import Network, Output
    from handgrad.reading import Predicts

RegressionLoss: TypeAlias = Literal["squared_error", "poisson"]

LOSSES: tuple[RegressionLoss, ...] = get_args(RegressionLoss)
OUTPUT_OF_LOSS: dict[RegressionLoss, Output] = {"squared_error": "identity", "poisson": "exp"}
OUTPUTS: dict[Predicts, Output] = {"classes": "softmax", "labels": "logistic"}


def columns_of(label: str | Sequence[str] | None, *, regression: bool = False) -> TargetColumns:
    """Return the columns to predict: values of a regression, several labels, or one of classes.

    Examples
    --------
    >>> columns_of("species").predicts, columns_of(["sport", "politics"]).predicts
    ('classes', 'labels')
    """
    label = label or USUAL_LABEL
    if regression:
        return TargetColumns.of(label, "values")
    return TargetColumns.of(label, "classes" if isinstance(label, str) else "labels")


def columns_for(model: Model, label: str | Sequence[str] | None) -> TargetColumns:
    """Return the columns of what a model predicts: as it was trained, or as the caller names them.

    A single value that had no name, as in arrays, is looked for under the usual name.
    """
    names: str | Sequence[str] | None = label
    if not names and model.predicts == "classes":
        names = model.label
    elif not names and (model.label or model.class_names != ("0",)):
        names = model.class_names
    return TargetColumns.of(names or USUAL_LABEL, model.predicts)


def output_for(predicts: Predicts, loss: RegressionLoss | None = None) -> Output:
    """Return the output of networks to be trained; of values, that of their loss.

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
        check_choice("loss", chosen, LOSSES, TrainingError)
        return OUTPUT_OF_LOSS[chosen]
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
    r"""Return the names of columns as one text, which `names_in` reads; that of classes as it is.

    Examples
    --------
    >>> as_text(TargetColumns("values", ("width", "Paris, France")))
    'width,Paris\\, France'
    """
    if columns.predicts == "classes":
        return columns.names[0]
    return ",".join(name.replace(",", "\\,") for name in columns.names)
