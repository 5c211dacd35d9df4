"""What do non-zeros by columns buy in full-batch steps, and from how many steps on?

A run of full-batch steps packs dense rows with many zeros twice: row by row for the way forward,
and column by column for B6. The same rows as CSR are taken row by row both ways. Both read the same
non-zeros, so that the columns make the difference, less the time that packing takes.
"""

import json
import statistics
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import sparse

from handgrad import Network, get_engine
from measure import WIDTH, machine
from tasks import digits, options

SIZES = (5_000, 60_000)  # rows
HIDDEN = (10, 100)
STEPS = (1, 10, 100)


def main():
    """Measure runs of few and of many steps, for narrow and wide networks."""
    chosen = options(__doc__)
    X, y, name = digits(chosen, rows=SIZES[-1])
    for m in sorted({min(size, len(X)) for size in SIZES}):
        for hidden in HIDDEN:
            found = {steps: compare(X[:m], y[:m], hidden, steps, chosen.rounds) for steps in STEPS}
            show(f"Full-batch steps, 784-{hidden}-10, {m:,} rows of {name}", found, chosen)


def compare(X, y, hidden, steps, rounds):
    """Take the steps by columns and by rows, in turns; return the medians of a step in ms."""
    network = Network.initial(features=X.shape[1], hidden=hidden, classes=10, seed=1)
    engine = get_engine("native")
    kinds = X, sparse.csr_array(X)
    seconds: list[list[float]] = [[] for _ in kinds]
    costs = [np.empty(0) for _ in kinds]
    for turn in range(rounds + 1):
        for kind, rows in enumerate(kinds):
            start = perf_counter()
            _, costs[kind] = engine.descend(network, rows, y, learning_rate=0.1, iterations=steps)
            if turn > 0:
                seconds[kind].append(perf_counter() - start)
        np.testing.assert_allclose(costs[0], costs[1], rtol=1e-4)
    return [1e3 * statistics.median(taken) / steps for taken in seconds]


def show(title, found, chosen):
    """Print the two times for each number of steps, and their ratio."""
    if chosen.json:
        rows = [{"steps": steps, "ms": ms} for steps, ms in found.items()]
        print(json.dumps({"question": title, "machine": machine(), "rows": rows}))
        return
    table = Table("steps", title=title, title_justify="left")
    for heading in ("by columns", "by rows", "by rows over by columns"):
        table.add_column(heading, justify="right")
    for steps, (columns, rows) in found.items():
        ratio = f"{rows / columns:.2f}"
        table.add_row(str(steps), f"{columns:.3f} ms", f"{rows:.3f} ms", ratio)
    Console(highlight=False, width=WIDTH).print(table)


if __name__ == "__main__":
    main()
