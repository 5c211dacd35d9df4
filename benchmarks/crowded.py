"""What happens to batches on several threads when other programs want the processors too?

The same epochs with one thread and with two, in turns, while other processes keep some of the
processors busy. Workers that hold each other up must not take much longer than one alone would.
Digits are cut by features, and there the engine notices and lets one worker continue alone. Rows
without zeros are cut into slices, and there nothing of the kind happens.
"""

import json
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.table import Table

from handgrad import Network, get_engine
from handgrad.engines import Adam, Sgd
from measure import WIDTH, machine, processors
from small_fits import time_both
from tasks import digits, options

BUSY = "while True: pass"


@contextmanager
def busy_programs(count):
    """Keep so many processors busy."""
    programs = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def epochs(X, y, hidden, rule, batch, count):
    """Return what begins some epochs with a number of threads."""
    network = Network.initial(features=X.shape[1], hidden=hidden, classes=10, seed=1)

    def prepare(threads):
        engine = get_engine("native", threads=threads)
        run = engine.batches(network, X, y, rule=rule, batch_size=batch)
        return lambda: [run.epoch() for _ in range(count)]

    return prepare


def main():
    """Measure each kind of batch with no, one and as many other programs as processors."""
    chosen = options(__doc__)
    X, y, name = digits(chosen)
    full = np.random.default_rng(0).random((len(X), 30), dtype=np.float32)
    sgd, adam = Sgd(learning_rate=0.1), Adam(learning_rate=0.001)
    times = 1 if chosen.quick else 10
    kinds = {
        "784-10-10, batches of 32, sgd": epochs(X, y, 10, sgd, 32, 4 * times),
        "784-10-10, batches of 200, sgd": epochs(X, y, 10, sgd, 200, 4 * times),
        "784-100-10, batches of 200, adam": epochs(X, y, 100, adam, 200, times),
        "30-100-10, batches of 1,000, adam, no zeros": epochs(full, y, 100, adam, 1_000, times),
    }
    for busy in sorted({0, 1, processors()}):
        with busy_programs(busy):
            rows = {what: time_both(kind, chosen.rounds) for what, kind in kinds.items()}
        show(f"Epochs on {name}, while {busy} other programs compute", rows, chosen)


def show(title, rows, chosen):
    """Print the two times of each kind and their ratio."""
    if chosen.json:
        listed = [
            {"what": what, "ms": [1e3 * s for s in seconds]} for what, seconds in rows.items()
        ]
        print(json.dumps({"question": title, "machine": machine(), "rows": listed}))
        return
    table = Table("epochs", title=title, title_justify="left")
    for heading in ("one thread", "two threads", "two over one"):
        table.add_column(heading, justify="right")
    for what, (one, two) in rows.items():
        table.add_row(what, f"{1e3 * one:.0f} ms", f"{1e3 * two:.0f} ms", f"{two / one:.2f}")
    Console(highlight=False, width=WIDTH).print(table)


if __name__ == "__main__":
    main()
