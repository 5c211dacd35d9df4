"""From what size on do threads pay, and do they ever make a small fit slower?

The same call runs with one thread and with two, in turns in one process. The table shows the time
with two threads divided by the time with one. Small calls should take the same time with both
(1.00), and large calls should come near 0.5 if two processors are idle.
"""

import json
import statistics
import warnings
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_breast_cancer, load_digits, load_iris

from handgrad import MLPClassifier, Network
from handgrad.engines import Adam, get_engine
from measure import WIDTH, machine
from tasks import options

THREADS = (1, 2)
ROWS = (100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600)
SHAPES = ((4, 4), (64, 100), (784, 10))  # features and hidden units


def time_both(prepare, rounds):
    """Time what `prepare` returns for each number of threads; return two medians."""
    seconds: dict[int, list[float]] = {threads: [] for threads in THREADS}
    for turn in range(rounds + 1):
        for threads in THREADS if turn % 2 else reversed(THREADS):
            run = prepare(threads)
            start = perf_counter()
            run()
            if turn > 0:
                seconds[threads].append(perf_counter() - start)
    return [statistics.median(seconds[threads]) for threads in THREADS]


def fits():
    """Yield whole fits on scikit-learn's small data sets."""
    sources = {"iris": load_iris, "breast_cancer": load_breast_cancer, "digits": load_digits}
    for name, load in sources.items():
        X, y = load(return_X_y=True)
        X = (X / X.max(axis=0).clip(1e-9)).astype(np.float32)
        for solver in ("lbfgs", "adam", "gd"):

            def prepare(threads, solver=solver, X=X, y=y):
                model = MLPClassifier(solver=solver, max_iter=20, n_threads=threads, random_state=0)
                return lambda: model.fit(X, y)

            yield f"{name}, {solver}, 20 iterations", prepare


def calls(features, hidden, m):
    """Yield the engine's calls on rows without zeros, and on rows with many."""
    random = np.random.default_rng(0)
    X = random.random((m, features), dtype=np.float32)
    sparse = X * (random.random(X.shape) < 0.2)
    y = random.integers(10, size=m)
    network = Network.initial(features=features, hidden=hidden, classes=10, seed=0)
    engines = {threads: get_engine("native", threads=threads) for threads in THREADS}

    def gradient(threads):
        return lambda: engines[threads].cost_and_gradient(network, X, y)

    def predict(threads):
        return lambda: engines[threads].predict_proba(network, X)

    def descend(threads):
        return lambda: engines[threads].descend(network, X, y, learning_rate=0.01, iterations=20)

    def epoch_of(rows):
        def prepare(threads):
            run = engines[threads].batches(
                network, rows, y, rule=Adam(learning_rate=0.001), batch_size=200
            )
            return lambda: run.epoch(np.arange(m))

        return prepare

    yield "cost_and_gradient", gradient
    yield "predict_proba", predict
    yield "20 full-batch steps", descend
    yield "an epoch, sliced", epoch_of(X)
    yield "an epoch, sharded", epoch_of(sparse)


def main():
    """Measure fits, then calls by size."""
    warnings.simplefilter("ignore")  # 20 iterations do not converge
    chosen = options(__doc__)
    rounds = 4 * chosen.rounds
    console = Console(highlight=False, width=WIDTH)
    if not chosen.json:
        console.print(machine())
    results = [(what, *time_both(prepare, rounds)) for what, prepare in fits()]
    show(console, "Whole fits", results, chosen)
    for features, hidden in SHAPES[:1] if chosen.quick else SHAPES:
        results = []
        for m in ROWS[:2] if chosen.quick else ROWS:
            for what, prepare in calls(features, hidden, m):
                results.append((f"{what}, {m:,} rows", *time_both(prepare, rounds)))
        results.sort(key=lambda result: result[0].split(",")[:-1])
        show(console, f"Calls, {features}-{hidden}-10", results, chosen)


def show(console, title, results, chosen):
    """Print the two times and their ratio."""
    if chosen.json:
        rows = [{"what": what, "ms": [1e3 * one, 1e3 * two]} for what, one, two in results]
        print(json.dumps({"question": title, "machine": machine(), "rows": rows}))
        return
    table = Table("call", title=title, title_justify="left")
    for heading in ("one thread", "two threads", "two over one"):
        table.add_column(heading, justify="right")
    for what, one, two in results:
        table.add_row(what, f"{1e3 * one:.3f} ms", f"{1e3 * two:.3f} ms", f"{two / one:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
