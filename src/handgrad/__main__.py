"""Runs the command line, and turns whatever ends it into one sentence and an exit status."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad.cli import app
from handgrad.errors import HandgradError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 on success, 1 on a failed job, 2 on wrong usage.

    A run that is broken off by Ctrl-C exits with 130.
    """
    _prepare_streams()
    try:
        try:
            app(args=arguments)
        finally:
            sys.stdout.flush()
    except HandgradError as error:
        _fail(str(error))
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        _fail(f"The output cannot be written: {error.strerror or error}.")
    except MemoryError:
        _fail("There is not enough memory for this; try fewer samples, features or hidden units.")


def _prepare_streams() -> None:
    """Write to nowhere where a stream is closed, and escape signs that a stream cannot show."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fail(sentence: str) -> None:
    print(f"handgrad: {' '.join(sentence.split())}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
