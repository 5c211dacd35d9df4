"""The live page as a command serves it: it opens in a browser, and ends with the terminal."""

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

from handgrad.errors import MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from handgrad.glassbox.live.run import LiveRun
    from handgrad.glassbox.live.server import LiveServer
    from handgrad.network import Network

USUAL_PORT = 8765
USUAL_SOURCE = "mnist-5k"
TICK = 0.2  # seconds; where waits cannot be interrupted, signals are seen so often
PATIENCE = 60.0  # seconds that a run waits for its page where somebody sits at the terminal
LOADING = 15.0  # seconds that a browser which was opened may take


def model_and_source(first: str | None, second: str | None) -> tuple[Path | None, str]:
    """Tell which of ``studio [MODEL] [SOURCE]`` were given, where both may be left out.

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
    """Tell a model by its name, or by the braces with which its header begins."""
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
    """Serve the page of a run; at the end stop the run, too.

    Parameters
    ----------
    run : LiveRun
    describe : callable
        Makes the page's payload of a network; what the page cannot show is refused at once.
    port : int
        A free one is taken where somebody else has it.

    Raises
    ------
    MissingPackageError
        If starlette or uvicorn is not installed.
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
def endings() -> Iterator[Event]:
    """Turn Ctrl-C, a request to terminate and the end of the terminal into one event.

    A second Ctrl-C breaks off at once. A program that was told to outlive its terminal does.
    """
    asked = Event()
    terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]  # while they last

    def ask(number: int, _frame: object) -> None:
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        if number == getattr(signal, "SIGHUP", None):
            _write_to_nowhere(terminals)
        asked.set()

    before = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
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
    """Wait for the event, and let signals be seen meanwhile."""
    while not asked.wait(TICK):
        pass


def wait_for_viewer(server: LiveServer, asked: Event, *, opened: bool) -> bool:
    """Give the page time to open before a run begins that would be over otherwise.

    Where nobody sits at the terminal and no browser was opened, nothing is waited for.

    Parameters
    ----------
    server : LiveServer
    asked : Event
        Ends the wait.
    opened : bool
        Whether a browser was told to open the page.

    Returns
    -------
    bool
        Whether somebody watches.
    """
    patience = PATIENCE if sys.stdin.isatty() and sys.stderr.isatty() else LOADING * opened
    end = time.monotonic() + patience
    while not asked.is_set() and (left := end - time.monotonic()) > 0:
        if server.wait_for_viewer(min(TICK, left)):
            return True
    return False


def open_in_browser(server: LiveServer, view: str = "") -> bool:
    """Open the page where there is a display; return whether a browser took it.

    The browser is given an address that works once, since others can read a process's arguments.

    Parameters
    ----------
    server : LiveServer
    view : str
        What of the page to open, such as ``"#view=descend"``.
    """
    if not _has_display():
        return False
    try:
        return webbrowser.open(server.address_for_one_use() + view)
    except (webbrowser.Error, OSError):  # OSError: a browser that is there but does not start
        return False


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
