"""How much do 20 viewers of the live page slow a native run that uses all processors?

The viewers run in one process of their own on the same machine. They read what they receive and do
nothing with it, because the time that a browser takes to draw is not measured here.
"""

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handgrad import Network, get_engine
from handgrad.data import Dataset
from handgrad.glassbox.live.run import LiveRun
from handgrad.glassbox.live.server import LiveServer
from handgrad.solvers import Training
from measure import Timing, processors, report
from tasks import digits, network, options

VIEWERS = 20
PROGRAM = Path(__file__).parent / "programs" / "viewers.py"


@contextmanager
def watched(server, seen):
    """Let viewers watch, and append to ``seen`` how many snapshots each received."""
    command = [sys.executable, str(PROGRAM), server.address, str(VIEWERS)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as all_:
        pipe: Any = all_.stdout
        pipe.readline()  # each has seen the network that the run begins with
        yield
        seen += json.loads(all_.communicate("end\n")[0])


def main():
    """Compare runs with viewers and without, in turns."""
    chosen = options(__doc__)
    X, y, name = digits(chosen)
    iterations = 20 if chosen.quick else 400
    names = tuple(map(str, range(10)))
    run = LiveRun(
        Network(*network(hidden=10)),
        Dataset(X, y, X[:0], y[:0], names, (28, 28)),
        engine=get_engine("native"),
        training=Training(learning_rate=0.1, iterations=iterations),
        replayed=False,
    )
    server = LiveServer(run, lambda _network: {}, port=0)
    nobody = Timing("nobody watches", processors())
    some = Timing(f"{VIEWERS} viewers", processors())
    seen: list[int] = []
    for turn in range(chosen.rounds + 1):
        run.reset()
        alone = run.run()
        run.reset()
        with watched(server, seen):
            followed = run.run()
        if followed.history.costs[-1] != alone.history.costs[-1]:
            raise SystemExit("The runs end at different costs: not the same thing.")
        if turn > 0:  # the first is a warm-up
            nobody.seconds.append(alone.seconds)
            some.seconds.append(followed.seconds)
    server.close()
    least = min(seen) / some.median
    title = f"A step with viewers: {len(X):,} rows of {name}, {iterations} steps, 784-10-10; "
    title += f"each viewer saw at least {least:.1f} snapshots a second"
    report(title, [nobody, some], as_json=chosen.json, per=iterations)


if __name__ == "__main__":
    main()
