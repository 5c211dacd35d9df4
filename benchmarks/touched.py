"""What does a gradient of the touched features alone buy on sparse text, with and without alpha?

Where batches have few non-zeros per feature, the gradient of W1 holds the features alone that the
batch touches. The engine decides that from the mean number of non-zeros per row. The second column
takes the same steps over the same rows, but a few long rows that no step reads lie behind them.
They raise the mean, so that the gradient holds all features.
"""

import json
import statistics
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import sparse

from handgrad import Network, get_engine
from handgrad.engines import Adam, Sgd
from measure import WIDTH, machine
from tasks import options, text_like

CLASSES, BATCH = 4, 200
STEPS = 20  # of a round
SHAPES = ((2**17, 100), (2**18, 16))  # features and hidden units
ALPHAS = (0.0, 1e-4)
RULES = {
    "adam": Adam(learning_rate=0.001),
    "sgd, momentum 0.9": Sgd(learning_rate=0.1, momentum=0.9),
    "sgd": Sgd(learning_rate=0.1),
}


def main():
    """Measure steps for each rule and alpha."""
    chosen = options(__doc__)
    for features, hidden in SHAPES:
        X, y = text_like(STEPS * BATCH, features)
        kinds = (X, y), with_long_rows(X, y)
        found = {
            (name, alpha): compare([step(X, y, hidden, rule, alpha) for X, y in kinds], chosen)
            for name, rule in RULES.items()
            for alpha in ALPHAS
        }
        title = f"A step with {BATCH} rows of about 100 non-zeros, {features:,}-{hidden}-{CLASSES}"
        show(title, found, chosen)


def with_long_rows(X, y):
    """Add rows behind the others until there is a non-zero per feature and batch."""
    features = X.shape[1]
    length = min(features, 2**14)
    count = -(-features * len(y) // (BATCH * length))
    indices = np.tile(np.arange(length, dtype=np.int32), count)
    starts = np.arange(count + 1) * length
    values = np.ones(len(indices), dtype=np.float32)
    long = sparse.csr_array((values, indices, starts), shape=(count, features))
    return sparse.csr_array(sparse.vstack([X, long])), np.pad(y, (0, count))


def step(X, y, hidden, rule, alpha):
    """Return a function that takes steps over the first rows, and returns the seconds of one."""
    network = Network.initial(features=X.shape[1], hidden=hidden, classes=CLASSES, seed=1)
    run = get_engine("native").batches(network, X, y, rule=rule, batch_size=BATCH, alpha=alpha)

    def take():
        start = perf_counter()
        costs = run.epoch(np.arange(STEPS * BATCH))
        return (perf_counter() - start) / STEPS, costs

    return take


def compare(takes, chosen):
    """Run both in turns; return their medians in ms, after a round that starts the moments."""
    seconds = []
    for _ in range(chosen.rounds + 1):
        (touched, costs), (whole, others) = (take() for take in takes)
        np.testing.assert_allclose(costs, others, rtol=1e-4)
        seconds.append((touched, whole))
    return [1e3 * statistics.median(column) for column in zip(*seconds[1:], strict=True)]


def show(title, found, chosen):
    """Print the two times for each rule and alpha, and their ratio."""
    if chosen.json:
        rows = [{"rule": rule, "alpha": alpha, "ms": ms} for (rule, alpha), ms in found.items()]
        print(json.dumps({"question": title, "machine": machine(), "rows": rows}))
        return
    table = Table("rule", "alpha", title=title, title_justify="left")
    for heading in ("touched features", "all features", "all over touched"):
        table.add_column(heading, justify="right")
    for (rule, alpha), (touched, whole) in found.items():
        ratio = f"{whole / touched:.2f}"
        table.add_row(rule, str(alpha), f"{touched:.3f} ms", f"{whole:.3f} ms", ratio)
    Console(highlight=False, width=WIDTH).print(table)


if __name__ == "__main__":
    main()
