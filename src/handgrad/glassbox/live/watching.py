"""How a command serves the live page: it opens a browser, and ends with the terminal."""

from __future__ import annotations

import os
import signal
import sys
import time
import webbrowser
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from handgrad.data import USUAL_SOURCE
from handgrad.errors import MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from handgrad.glassbox.live.run import LiveRun
    from handgrad.glassbox.live.server import LiveServer
    from handgrad.network import Network

USUAL_PORT = 8765
TICK = 0.2  # seconds between two looks for signals, where these cannot interrupt a wait
PATIENCE = 60.0  # seconds that a run waits for its page if it was started in a terminal
LOADING = 15.0  # seconds that a browser may take to load the page


def model_and_source(first: str | None, second: str | None) -> tuple[Path | None, str]:
    """Return the model and the source of ``studio [MODEL] [SOURCE]``; both are optional.

    Examples
    --------
    >>> model_and_source("model.safetensors", None)  # doctest: +ELLIPSIS
    (...Path('model.safetensors'), 'mnist-5k')
    >>> model_and_source("mnist", None)
    (None, 'mnist')
    """
    if first is None:
        return None, USUAL_SOURCE
    if second is None and not _is_model(Path(first)):
        return None, first
    return Path(first), USUAL_SOURCE if second is None else second


def _is_model(path: Path) -> bool:
    """Recognise a model by its name, or by the brace at the start of its header."""
    if path.suffix == ".safetensors":
        return True
    try:
        with path.open("rb") as file:
            return file.read(9)[8:] == b"{"
    except OSError:
        return False


@contextmanager
def serving(
    run: LiveRun, describe: Callable[[Network], Mapping[str, Any]], *, port: int = USUAL_PORT
) -> Iterator[LiveServer]:
    """Serve the page of a run; at the end, also stop the run.

    ``describe`` returns the page's payload for a network, and refuses at once what the page cannot
    show. If the port is taken, the server uses a free one.
    """
    try:
        from handgrad.glassbox.live.server import LiveServer
    except ImportError as error:
        raise MissingPackageError(
            "The live page needs the packages starlette and uvicorn; "
            "install them with: pip install 'handgrad[studio]'."
        ) from error
    describe(run.snapshot().network)
    server = LiveServer(run, describe, port=port)
    try:
        yield server
    finally:
        run.close()
        server.close()


@contextmanager
def endings(*names: str) -> Iterator[Event]:
    """Turn Ctrl-C, a request to terminate and the end of the terminal into one event.

    If signals are named, only these do.

    A second Ctrl-C interrupts the program at once. A program that ignores the end of its terminal,
    such as one started with nohup, continues to ignore it.
    """
    asked = Event()
    terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]  # before they close

    def ask(number: int, _frame: object) -> None:
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        if number == getattr(signal, "SIGHUP", None):
            _write_to_nowhere(terminals)
        asked.set()

    before = {}
    for name in names or ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and (name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN):
            before[number] = signal.signal(number, ask)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_to_nowhere(descriptors: Sequence[int]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def wait_until(asked: Event) -> None:
    """Wait for the event; signals can arrive in the meantime."""
    while not asked.wait(TICK):
        pass


def wait_for_viewer(server: LiveServer, asked: Event, *, opened: bool) -> bool:
    """Give the page time to open, so that it shows even a short run from the start.

    Do not wait if the program does not run in a terminal and no browser was opened.
    """
    patience = PATIENCE if sys.stdin.isatty() and sys.stderr.isatty() else LOADING * opened
    end = time.monotonic() + patience
    while not asked.is_set() and (left := end - time.monotonic()) > 0:
        if server.wait_for_viewer(min(TICK, left)):
            return True
    return False


def open_in_browser(server: LiveServer, view: str = "") -> bool:
    """Open the page in a browser if there is a display; return whether that worked.

    The browser receives an address that works once, because other users can read its arguments.
    """
    if not _has_display():
        return False
    try:
        return webbrowser.open(server.address_for_one_use() + view)
    except (webbrowser.Error, OSError):  # OSError: the browser exists but does not start
        return False


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
