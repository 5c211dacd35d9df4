"""Runs campaigns of mutated inputs, and prints what came of them.

    python -m fuzz.campaign            # 200,000 inputs of each format, 20,000 calls: hours
    python -m fuzz.campaign --quick    # minutes
    python -m fuzz.campaign --replay build/fuzz/csv-1-42.json

Run it in the folder `tests`, or as `.ci/fuzz`.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
import time
from base64 import b64decode
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from fuzz import native_calls, scratch
from fuzz.children import INPUTS_A_CHILD, KINDS, Child, Found, replay
from fuzz.outcome import FAILURES, Outcome
from fuzz.targets import INPUTS, QUICK, TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEPT = 3  # inputs of each finding
TARGET_WIDTH = 14


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 where an input failed."""
    asked = _parser().parse_args(arguments)
    scratch.root()
    if asked.replay:
        return max(_replayed(path) for path in asked.replay)
    names = asked.target or list(TARGETS)
    if not native_calls.there():
        names = [name for name in names if name != native_calls.NAME]
    inputs = QUICK if asked.quick else INPUTS
    print(_line("target", "inputs", *KINDS, "seconds"))
    findings: list[Found] = []
    for name in names:
        started = time.monotonic()
        counts, found = _campaign(name, asked.inputs or inputs[name], str(asked.seed), asked.jobs)
        seconds = f"{time.monotonic() - started:.0f}"
        print(_line(name, counts.total(), *(counts[kind] for kind in KINDS), seconds), flush=True)
        findings += found
    _report(findings, asked.out)
    return int(bool(findings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="some minutes instead of hours")
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="this one alone")
    parser.add_argument("--inputs", type=int, help="so many for each target")
    parser.add_argument("--seed", type=int, default=1, help="other inputs (1 by default)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="where failures go")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="run these again")
    return parser


def _campaign(name: str, inputs: int, seed: str, jobs: int) -> tuple[Counter[str], list[Found]]:
    """Run the inputs of a target, in several children at a time."""
    TARGETS[name].draw(Random(0))  # what is made once is made before the forks
    size = min(INPUTS_A_CHILD, -(-inputs // jobs))
    waiting = [Child(name, seed, at, min(at + size, inputs)) for at in range(0, inputs, size)]
    running: dict[int, tuple[Child, bytearray]] = {}
    counts: Counter[str] = Counter()
    found: list[Found] = []
    while waiting or running:
        while waiting and len(running) < jobs:
            child = waiting.pop(0)
            child.start()
            running[child.pipe] = child, bytearray()
        for pipe in select.select(list(running), [], [])[0]:
            child, said = running[pipe]
            piece = os.read(pipe, 1 << 16)
            said += piece
            if not piece:
                del running[pipe]
                found += _ended(child, said, counts, waiting)
    return counts, found


def _ended(
    child: Child, said: bytearray, counts: Counter[str], waiting: list[Child]
) -> Iterator[Found]:
    """Count what a child did, and continue after the input that ended it."""
    death = child.end()
    for at, kind in enumerate(KINDS):
        counts[kind] += int.from_bytes(child.counts[8 + 8 * at : 16 + 8 * at], "little")
    for line in said.splitlines():
        record = json.loads(line)
        outcome = Outcome(record["kind"], record["signature"], record["detail"])
        yield _found(child.target, record["seed"], outcome)
    first = child.reached
    if death is not None:
        counts[death.kind] += 1
        yield _found(child.target, f"{child.target}:{child.campaign}:{first}", death)
        first += 1
    if first < child.last:
        waiting.insert(0, Child(child.target, child.campaign, first, child.last))


def _found(target: str, seed: str, outcome: Outcome) -> Found:
    return Found(target, seed, outcome, TARGETS[target].draw(Random(seed)))


def _report(findings: list[Found], out: Path) -> None:
    """Print each distinct finding once, and save some inputs of it."""
    by_cause: dict[tuple[str, str, str], list[Found]] = {}
    for found in findings:
        key = found.target, found.outcome.kind, found.outcome.signature
        by_cause.setdefault(key, []).append(found)
    for (target, kind, signature), alike in by_cause.items():
        print(f"\n{target}: {kind}, {len(alike)} times: {signature}")
        # The smallest inputs say the most.
        for found in sorted(alike, key=lambda found: len(repr(found.case)))[:KEPT]:
            out.mkdir(parents=True, exist_ok=True)
            path = out / f"{found.seed.replace(':', '-').replace(', ', '-').replace(' ', '-')}.json"
            path.write_text(found.to_json())
            print(f"    {path}")


def _replayed(path: Path) -> int:
    record = json.loads(path.read_text())
    outcome = replay(TARGETS[record["target"]], _case(record["case"]))
    print(f"{path}: {outcome.kind}\n{outcome.signature}\n{outcome.detail}")
    return int(outcome.kind in FAILURES)


def _case(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"base64"}:
            return b64decode(value["base64"])
        return {name: _case(part) for name, part in value.items()}
    return [_case(part) for part in value] if isinstance(value, list) else value


def _line(target: str, *cells: object) -> str:
    return f"{target:{TARGET_WIDTH}}" + "".join(f"{cell!s:>17}" for cell in cells)


if __name__ == "__main__":
    sys.exit(main())
