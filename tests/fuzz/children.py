"""Runs inputs in forked children, within limits of time and memory.

A child takes its inputs one after another and dies of what goes wrong; the parent learns from
shared memory which input that was, and forks the next child behind it.

- Time is that of the processors, so that a busy machine makes nothing slow; what
  waits for ever ends at a wall-clock limit ten times as long.
- Memory is the high-water mark of the resident size, set back before each input, against the size
  at the fork. A limit on address space would also count what is reserved and never touched, such
  as the stacks of threads. It stands behind, at four times the limit, to save the machine.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import mmap
import os
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
from base64 import b64encode
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from fuzz.outcome import CRASH, FAILURES, LARGE, SLOW, Case, Outcome, Target, outcome_of
from fuzz.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 2.0
LONGEST = 1.5 * SECONDS  # after which an input is ended
HANG = 10 * SECONDS
MEMORY = 256 << 20
INPUTS_A_CHILD = 2000
KINDS = ("accepted", "refused", *FAILURES)
STOPPED, BROKEN = 3, 4  # exit status of a child of no more use, and of a fuzzer with a mistake


@dataclass
class Found:
    """An input that failed."""

    target: str
    seed: str
    outcome: Outcome
    case: Case

    def to_json(self) -> str:
        """Write all that a replay needs."""
        return json.dumps(
            {"target": self.target, "seed": self.seed, **self.outcome._asdict(), "case": self.case},
            default=lambda content: {"base64": b64encode(content).decode()},
        )


@dataclass
class Child:
    """A forked process that runs the inputs from ``first`` to before ``last``."""

    target: str
    campaign: str
    first: int
    last: int
    counts: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, 64))
    log: Any = field(default_factory=tempfile.TemporaryFile)
    process: int = 0
    pipe: int = 0

    def start(self) -> None:
        """Fork."""
        reading, writing = os.pipe()
        gc.collect()
        gc.freeze()
        self.process = os.fork()
        if self.process == 0:
            os.close(reading)
            status = BROKEN
            try:
                status = self._work(writing)
            except BaseException:
                self.log.write(traceback.format_exc().encode())
                self.log.flush()
            finally:
                os._exit(status)
        os.close(writing)
        self.pipe = reading

    def _work(self, pipe: int) -> int:
        target = TARGETS[self.target]
        limits = Limits(self.log)
        for index in range(self.first, self.last):
            struct.pack_into("<Q", self.counts, 0, index)
            seed = f"{self.target}:{self.campaign}:{index}"
            case = target.draw(Random(seed))
            outcome = limits.run(partial(outcome_of, target, case))
            place = 8 + 8 * KINDS.index(outcome.kind)
            (count,) = struct.unpack_from("<Q", self.counts, place)
            struct.pack_into("<Q", self.counts, place, count + 1)
            if outcome.kind in FAILURES:
                record = {"seed": seed, **outcome._asdict()}
                os.write(pipe, json.dumps(record).encode() + b"\n")
            if outcome.kind == LARGE:  # its memory may stay with this process
                struct.pack_into("<Q", self.counts, 0, index + 1)
                return STOPPED
        struct.pack_into("<Q", self.counts, 0, self.last)
        return 0

    @property
    def reached(self) -> int:
        """The input that the child was at."""
        return int(struct.unpack_from("<Q", self.counts)[0])

    def end(self) -> Outcome | None:
        """Wait for the end; say how the child died, unless it is well."""
        _, status = os.waitpid(self.process, 0)
        os.close(self.pipe)
        code = os.waitstatus_to_exitcode(status)
        if code in (0, STOPPED):
            return None
        self.log.seek(0)
        trace = self.log.read().decode("utf-8", "replace")
        if code == BROKEN:
            raise RuntimeError(f"The fuzzer itself failed at input {self.reached}.\n{trace}")
        if code == -signal.SIGPROF:
            return Outcome(SLOW, f"slow in {_frame(trace)}", trace)
        if code == 1 and "Timeout" in trace:
            return Outcome(SLOW, f"hang in {_frame(trace)}", trace)
        name = signal.Signals(-code).name if code < 0 else f"exit {code}"
        return Outcome(CRASH, f"{name} in {_frame(trace)}", trace)


class Limits:
    """Watches time and memory of this process, from its construction on."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._high_water = _clearing()
        faulthandler.enable(log)
        faulthandler.register(signal.SIGPROF, log, chain=True)  # and die of it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit = _status("VmData") + 4 * MEMORY
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        self._high_water()
        self._size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def run(self, work: Callable[[], Outcome]) -> Outcome:
        """Do the work; a result that took too long, or too much, is another result."""
        self._high_water()
        faulthandler.dump_traceback_later(HANG, exit=True, file=self._log)
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        before = time.process_time()
        outcome = work()
        seconds = time.process_time() - before
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - self._size
        if grown > MEMORY:
            return Outcome(
                LARGE, f"large, {outcome.kind}", f"{grown / 2**20:.0f} MB\n{outcome.detail}"
            )
        if seconds > SECONDS:
            return Outcome(SLOW, f"slow, {outcome.kind}", f"{seconds:.1f} s\n{outcome.detail}")
        return outcome


def _clearing() -> Callable[[], object]:
    """Return what sets back the high-water mark of this process, where the system can."""
    try:
        file = os.open("/proc/self/clear_refs", os.O_WRONLY)
    except OSError:
        return lambda: None

    def clear() -> None:
        with contextlib.suppress(OSError):
            os.pwrite(file, b"5", 0)

    return clear


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 1 << 40


def _frame(trace: str) -> str:
    """Find the innermost of our own lines in what faulthandler wrote."""
    for line in trace.splitlines():
        if "/handgrad/" in line and ", line " in line:
            file, _, rest = line.partition(", line ")
            return f"{file.rpartition('/handgrad/')[2].rstrip(chr(34))}:{rest.partition(' in ')[2]}"
    return "an unknown place"


def replay(target: Target, case: Case) -> Outcome:
    """Run one input in a child, with its output shown."""
    reading, writing = os.pipe()
    log = tempfile.TemporaryFile()  # noqa: SIM115 - the child writes to it, too
    process = os.fork()
    if process == 0:
        os.close(reading)
        outcome = Limits(log).run(lambda: outcome_of(target, case))
        os.write(writing, json.dumps(outcome).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(process, 0)
    if said:
        return Outcome(*json.loads(said))
    log.seek(0)
    print(log.read().decode("utf-8", "replace"), file=sys.stderr)
    return Outcome(CRASH, f"exit status {os.waitstatus_to_exitcode(status)}")
