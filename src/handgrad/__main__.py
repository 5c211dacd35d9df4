"""Runs the command line, and turns whatever ends it into one sentence and an exit status."""

from __future__ import annotations

import atexit
import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad.errors import ExitStatus, HandgradError
from handgrad.quoting import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 1000  # characters of a sentence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with an `ExitStatus`."""
    try:
        _prepare_streams()
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_DFL)  # no traceback at the end
        try:
            import numpy as np  # these take a while, in which Ctrl-C is no traceback either

            from handgrad.cli import app

            with np.errstate(all="ignore"):  # what overflows is shown as it is, or refused
                app(args=arguments)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(ExitStatus.INTERRUPTED)
    except HandgradError as error:
        _fail(str(error))
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        if isinstance(error, BrokenPipeError):  # the reader has seen enough, and knows that
            sys.exit(ExitStatus.FAILED)
        _fail(f"The output cannot be written: {error.strerror or error}.")
    except MemoryError:
        _fail("There is not enough memory for this; try fewer samples, features or hidden units.")


class _IgnoresWriteErrors(io.FileIO):
    """A file to which everything can be written, whether it arrives or not."""

    def write(self, content: object) -> int:
        view = memoryview(content)  # type: ignore[arg-type]
        try:
            return super().write(view) or view.nbytes
        except OSError:
            return view.nbytes


def _prepare_streams() -> None:
    """Write to nowhere where a stream is closed, and escape signs that a stream cannot show.

    A job continues when its messages cannot be written: what standard error does not take is
    dropped.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # a closed stream's number would be given to the next file
    os.close(descriptor)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - open to the end
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    own = sys.__stderr__
    if own is not None and sys.stderr is own:
        raw = _IgnoresWriteErrors(own.fileno(), "w", closefd=False)
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding=own.encoding,
            errors="backslashreplace",
            line_buffering=True,
        )


def _fail(sentence: str) -> None:
    print(f"handgrad: {shortened(' '.join(sentence.split()), LONGEST)}", file=sys.stderr)
    sys.exit(ExitStatus.FAILED)


if __name__ == "__main__":
    main()
