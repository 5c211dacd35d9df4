"""Reads leaves in a process of its own.

The process is a plain interpreter that imports this module alone: unlike those of
`multiprocessing`, it never runs the main script of its parent again, so scripts need no guard. It
ends when its input does, so it never outlives its parent.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, cast

from handgrad.errors import DataError

if TYPE_CHECKING:
    from handgrad.data.blocks.blocks import Blocks
    from handgrad.data.dataset import Rows, Targets

PROGRAM = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer);"
    "from handgrad.data.blocks.processes import serve; serve()"
)


class ReaderProcess:
    """A process that reads leaves of blocks."""

    def __init__(self, blocks: Blocks) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and no argument from outside
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._send([*sys.path])
        self._send(blocks.reader)

    def ask(self, leaf: int) -> None:
        """Let it read a leaf."""
        self._send(leaf)

    def answer(self) -> tuple[Rows, Targets]:
        """Wait for the leaf that was asked for."""
        try:
            found = pickle.load(cast("IO[bytes]", self._process.stdout))  # noqa: S301 - our own process
        except (EOFError, pickle.UnpicklingError) as error:
            raise DataError(
                "A process that decodes pictures ended early, probably for lack of memory; "
                "expected more of it: stop other programs."
            ) from error
        if isinstance(found, BaseException):
            raise found
        return cast("tuple[Rows, Targets]", found)

    def end(self) -> None:
        """End the process at once."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                cast("IO[bytes]", stream).close()
        self._process.wait()

    def _send(self, message: Any) -> None:
        stream = cast("IO[bytes]", self._process.stdin)
        with suppress(BrokenPipeError):  # then the answer says that it ended
            pickle.dump(message, stream)
            stream.flush()


def serve() -> None:
    """Read leaves as the parent asks for them: this runs in the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it ends this process
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # other output is not an answer
    reader = pickle.load(sys.stdin.buffer)  # noqa: S301 - the parent sent it
    while True:
        try:
            leaf = pickle.load(sys.stdin.buffer)  # noqa: S301 - as above
        except EOFError:
            return
        try:
            answer = reader.read(leaf)
        except Exception as error:  # it belongs to the parent
            answer = _sendable(error)
        try:
            pickle.dump(answer, answers, protocol=5)
            answers.flush()
        except BrokenPipeError:  # the parent was killed
            os._exit(1)  # without another attempt to send what is left


def _sendable(error: Exception) -> Exception:
    """Return an error that the parent can unpickle."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own error
    except Exception:
        return DataError(f"A picture cannot be decoded ({type(error).__name__}: {error}).")
    return error
