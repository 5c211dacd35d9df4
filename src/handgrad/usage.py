"""What the command line says of wrong usage, kept short and printable."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

from handgrad.quoting import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 400  # characters of a message


class Commands(TyperGroup):
    """Commands whose errors quote arguments of any length and with any characters."""

    def make_context(self, *args: Any, **settings: Any) -> Any:
        """Read the options of the program."""
        with _presentable():
            return super().make_context(*args, **settings)

    def invoke(self, ctx: Any) -> Any:
        """Read the options of a command, and run it."""
        with _presentable():
            return super().invoke(ctx)


def shortened(text: str, most: int = LONGEST) -> str:
    """Return a text without its middle where it is long: both ends say most.

    Examples
    --------
    >>> shortened("ab" * 100, most=7)
    'aba…bab'
    """
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}…{text[-half:]}"


@contextmanager
def _presentable() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # Errors of usage are classes of click, or of the copy of it in newer releases of typer;
        # they have their message as an attribute, and no other error has.
        message = getattr(error, "message", None)
        if isinstance(message, str):
            error.message = shortened(escaped(message))  # type: ignore[attr-defined]
        raise
