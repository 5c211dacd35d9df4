"""A pass to look at: as a table, as JSON, or as the interactive page in a notebook."""

from __future__ import annotations

import html
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import ShapeError
from handgrad.glassbox.steps import steps_of_pass
from handgrad.plain_json import plain_json

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.network import Network

MOST_SHOWN = 64  # samples that the page can show at the same time
HEIGHT_IN_A_NOTEBOOK = 860  # pixels


class Trace:
    """The whole pass of a network on some samples, matrix by matrix.

    As the last value of a notebook cell, it shows the interactive page with these samples, or a
    table if the page does not show such a network; `table` is for the terminal.

    Parameters
    ----------
    network : Network
        Of any depth, activation and output.
    X : array of shape (m, D)
        Samples as rows.
    y : array of shape (m,) or (m, K), optional
        Targets, as `handgrad.Network.targets` takes them; without them the trace ends with the
        prediction.
    learning_rate : float
        η of the step U1 at the end.

    Attributes
    ----------
    steps : tuple of TraceStep
        Forward, then backward, then the step U1.

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
    >>> deep = Network.initial(features=3, hidden=(2, 2), classes=1, output="identity")
    >>> [step.name for step in Trace(deep, [[0.5, 1.0, 0.0]], [1.5]).steps][-6:]
    ['W1', 'b1', 'W2', 'b2', 'W3', 'b3']
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
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is there to be seen
            steps = steps_of_pass(network, network.rows(X), y, learning_rate=learning_rate)
            self.steps = tuple(steps)

    def __repr__(self) -> str:
        return f"Trace({self._network!r}, {len(self.steps[0].value)} samples)"

    def table(self, *, full: bool = False, width: int | None = None) -> str:
        """Return a table for the terminal: each matrix with its formula, shape and values.

        Parameters
        ----------
        full : bool
            Whether to print all entries of large matrices.
        width : int, optional
            Characters per line; by default the width of the terminal.

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
        """Return `to_list` as JSON, with null for numbers that are not finite.

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
        """Return the interactive page as a frame that needs no server and no connection.

        If the page does not show such a network, return a table.
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
        """Return the steps as lists and strings, ready for JSON.

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
