"""Runs one input of a target, and says what came of it."""

from __future__ import annotations

import re
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from handgrad.errors import HandgradError

if TYPE_CHECKING:
    from random import Random

ACCEPTED, REFUSED = "accepted", "refused"
WRONG, CRASH, SLOW, LARGE = "wrong exception", "crash", "slow", "large"
FAILURES = (WRONG, CRASH, SLOW, LARGE)
LONGEST_MESSAGE = 800  # characters; the sentences quote paths and lists, but no input at length

Case = dict[str, Any]  # what JSON can hold, and bytes


class Target(Protocol):
    """A module that makes inputs and runs them."""

    NAME: str
    LARGE_IS_ASKED: bool  # whether an input may ask for memory that is not there

    def draw(self, random: Random) -> Case:
        """Make an input; the same random numbers make the same one."""

    def run(self, case: Case) -> None:
        """Use the input: return, raise a HandgradError, or have failed."""


class Outcome(NamedTuple):
    """What came of an input; failures of one cause share a signature."""

    kind: str
    signature: str = ""
    detail: str = ""


def outcome_of(target: Target, case: Case) -> Outcome:
    """Run an input once."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            target.run(case)
    except KeyboardInterrupt:
        raise
    except HandgradError as error:
        return _refused(target, error)
    except BaseException as error:  # a panic of Rust's is no Exception
        return Outcome(WRONG, _signature(error), traceback.format_exc())
    return Outcome(ACCEPTED)


def assert_sound(target: Target, random: Random) -> None:
    """Draw an input, and raise unless it is accepted or refused."""
    case = target.draw(random)
    outcome = outcome_of(target, case)
    shown = {key: value for key, value in case.items() if len(repr(value)) < 2000}
    assert outcome.kind not in FAILURES, f"{outcome.kind}\n{outcome.detail}\n{shown}"


def _refused(target: Target, error: HandgradError) -> Outcome:
    if _is_of_memory(error) and not target.LARGE_IS_ASKED:
        return Outcome(LARGE, _signature(error), traceback.format_exc())
    message = str(error)
    fault = None
    if not message.strip():
        fault = "an empty message"
    elif any(not sign.isprintable() for sign in message):
        fault = "a message with a control character"
    elif len(message) > LONGEST_MESSAGE:
        fault = f"a message of more than {LONGEST_MESSAGE} characters"
    if fault is not None:
        return Outcome(WRONG, f"{fault} from {_place(error)}", traceback.format_exc())
    return Outcome(REFUSED)


def _is_of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _place(error: BaseException) -> str:
    """Name the innermost function of handgrad that the error passed."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        _, ours, file = Path(frame.filename).as_posix().rpartition("/handgrad/")
        if ours:
            return f"{file}:{frame.name}"
    return "the check of the result"


def _signature(error: BaseException) -> str:
    """Name the error by its type, its place, and the beginning of its sentence."""
    sentence = re.sub(r"'[^']*'|\"[^\"]*\"|\S*/\S*", "…", str(error).partition("\n")[0])
    sentence = re.sub(r"[\d.]+", "#", "".join(c if c.isprintable() else "?" for c in sentence))
    return f"{type(error).__name__} in {_place(error)}: {sentence[:60]}"
