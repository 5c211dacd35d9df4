"""Every matrix of a forward and a backward pass, with the formula that made it."""

from __future__ import annotations

import html
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad import notes
from handgrad.derivation.formulas import FORMULAS, Formula
from handgrad.errors import ShapeError
from handgrad.plain_json import plain_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from handgrad.network import Matrix, Network

GIVEN = {
    "X": Formula("", "X", "m×D", "the samples, one a row"),
    "W1": Formula("", "W1", "H×D", "hidden weights"),
    "b1": Formula("", "b1", "H×1", "hidden biases"),
    "W2": Formula("", "W2", "K×H", "output weights"),
    "b2": Formula("", "b2", "K×1", "output biases"),
    "y": Formula("", "y", "m", "labels, as integers"),
}


MOST_SHOWN = 64  # samples that the page shows at once
HEIGHT_IN_A_NOTEBOOK = 860  # pixels


class TraceStep(NamedTuple):
    """One matrix of a pass."""

    formula: Formula
    """What made it; the formula of what was given has an empty id."""
    name: str
    value: npt.NDArray[Any]


class Trace:
    """The whole pass of the notes on some samples, matrix by matrix.

    At the end of a notebook's cell it shows the interactive page on these samples; `table` is
    for the terminal.

    Parameters
    ----------
    network : Network
    X : array of shape (m, D)
        Samples as rows.
    y : array of shape (m,), optional
        Integer labels; without them the trace ends with the prediction, F5.
    learning_rate : float
        η of the step U1 at the end.

    Attributes
    ----------
    steps : tuple of TraceStep
        In the order of the notes.

    Raises
    ------
    ShapeError
        If X or y does not fit the network.

    Examples
    --------
    >>> from handgrad import Network
    >>> network = Network.initial(features=3, hidden=2, classes=2)
    >>> trace = Trace(network, [[0.5, 1.0, 0.0]], [1])
    >>> [step.name for step in trace.steps if step.formula.id.startswith("F")]
    ['Z1', 'A1', 'Z2', 'A2', 'ŷ']
    """

    def __init__(
        self,
        network: Network,
        X: npt.ArrayLike,
        y: npt.ArrayLike | None = None,
        *,
        learning_rate: float = 0.1,
    ) -> None:
        self._network, self._X, self._y = network, X, y
        self._learning_rate = learning_rate
        rows = network.rows(X)
        with np.errstate(over="ignore", invalid="ignore"):  # it is there to be seen
            activations = notes.forward(network, rows)
            steps = list(_forward_steps(network, rows, activations))
            if y is not None:
                steps += _backward_steps(network, rows, y, activations, learning_rate)
        self.steps = tuple(steps)

    def __repr__(self) -> str:
        return f"Trace({self._network!r}, {len(self.steps[0].value)} samples)"

    def table(self, *, full: bool = False, width: int | None = None) -> str:
        """Return a table for the terminal: each matrix with its formula, shape and values.

        Parameters
        ----------
        full : bool
            Whether large matrices are written out.
        width : int, optional
            Characters a line; by default those of the terminal.

        Examples
        --------
        >>> from handgrad import Network
        >>> trace = Trace(Network.initial(features=3, hidden=2, classes=2), [[0.5, 1.0, 0.0]])
        >>> "Z1 = W1 · Xᵀ + b1" in trace.table(width=100)
        True
        """
        from handgrad.glassbox.table import as_text, trace_table

        width = width or shutil.get_terminal_size().columns
        return as_text(trace_table(self.steps, full=full, width=width), width=width)

    def to_json(self) -> str:
        """Return `to_list` as JSON; numbers that are not finite become null.

        Examples
        --------
        >>> from handgrad import Network
        >>> trace = Trace(Network.initial(features=3, hidden=2, classes=2), [[0.5, 1.0, 0.0]])
        >>> import json
        >>> json.loads(trace.to_json())[3]["formula"]
        'F1'
        """
        return plain_json(self.to_list())

    def _repr_html_(self) -> str:
        """Return the interactive page for a notebook: a frame that needs no server and no network.

        A network that is too large for the page is shown as a table.
        """
        from handgrad.glassbox.document import one_file
        from handgrad.glassbox.payload import build_payload

        try:
            payload = build_payload(
                self._network, self._X, self._y, learning_rate=self._learning_rate
            )
        except ShapeError as error:
            table = self.table(width=140)
            return f"<p>{html.escape(str(error))}</p><pre>{html.escape(table)}</pre>"
        shown = list(range(min(payload["samples"]["count"], MOST_SHOWN)))
        page = one_file(payload | {"show": {"samples": shown, "step": 0}})
        return (
            f'<iframe srcdoc="{html.escape(page)}" title="The glass box: every matrix of a pass" '
            f'width="100%" height="{HEIGHT_IN_A_NOTEBOOK}" style="border: 0"></iframe>'
        )

    def to_list(self) -> list[dict[str, Any]]:
        """Return the steps as plain lists and texts, ready for JSON.

        Examples
        --------
        >>> from handgrad import Network
        >>> trace = Trace(Network.initial(features=3, hidden=2, classes=2), [[0.5, 1.0, 0.0]])
        >>> trace.to_list()[0]["value"]
        [[0.5, 1.0, 0.0]]
        """
        return [
            {
                "formula": step.formula.id,
                "statement": step.formula.statement,
                "name": step.name,
                "shape": list(step.value.shape),
                "value": step.value.tolist(),
                "meaning": step.formula.meaning,
            }
            for step in self.steps
        ]


def _forward_steps(
    network: Network, X: Matrix, activations: notes.Activations
) -> Iterator[TraceStep]:
    Z1, A1, Z2, A2 = activations
    yield TraceStep(GIVEN["X"], "X", X)
    yield TraceStep(GIVEN["W1"], "W1", network.W1)
    yield TraceStep(GIVEN["b1"], "b1", network.b1)
    yield TraceStep(FORMULAS["F1"], "Z1", Z1)
    yield TraceStep(FORMULAS["F2"], "A1", A1)
    yield TraceStep(GIVEN["W2"], "W2", network.W2)
    yield TraceStep(GIVEN["b2"], "b2", network.b2)
    yield TraceStep(FORMULAS["F3"], "Z2", Z2)
    yield TraceStep(FORMULAS["F4"], "A2", A2)
    yield TraceStep(FORMULAS["F5"], "ŷ", notes.predict(network, X))


def _backward_steps(
    network: Network,
    X: Matrix,
    y: npt.ArrayLike,
    activations: notes.Activations,
    learning_rate: float,
) -> Iterator[TraceStep]:
    labels = network.labels(y, m=len(X))
    backward = notes.propagate(
        network, X, activations, notes.output_gradient(activations.A2, labels)
    )
    yield TraceStep(GIVEN["y"], "y", labels)
    yield TraceStep(FORMULAS["C1"], "C", np.array(notes.cost(network, X, labels)))
    for number, name in enumerate(backward._fields, start=1):
        yield TraceStep(FORMULAS[f"B{number}"], name, getattr(backward, name))
    after = notes.descend(network, backward.gradient, learning_rate)
    for name, value in zip(("W1", "b1", "W2", "b2"), after.parameters, strict=True):
        yield TraceStep(FORMULAS["U1"], name, value)
