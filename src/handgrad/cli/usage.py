"""Keeps the messages about wrong usage short and printable."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

from handgrad.quoting import escaped, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDER = ("train", "studio", "evaluate", "predict", "trace", "export", "check", "info")
LONGEST = 400  # characters of a message


class Commands(TyperGroup):
    """Commands in the order of use; their errors quote any argument safely."""

    def list_commands(self, _context: Any) -> list[str]:
        """Name the commands in the order of `ORDER`."""
        return sorted(self.commands, key=ORDER.index)

    def make_context(self, *args: Any, **settings: Any) -> Any:
        """Read the options of the program."""
        with _presentable():
            return super().make_context(*args, **settings)

    def invoke(self, ctx: Any) -> Any:
        """Read the options of a command, and run it."""
        with _presentable():
            return super().invoke(ctx)


@contextmanager
def _presentable() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # Errors of usage are classes of click, or of its copy in newer releases of typer. Only they
        # have an attribute called message.
        message = getattr(error, "message", None)
        if isinstance(message, str):
            error.message = shortened(escaped(message), LONGEST)  # type: ignore[attr-defined]
        raise
