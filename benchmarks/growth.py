"""How does the time of a step grow with rows, hidden units and threads?"""

from measure import compare, processors, report
from tasks import Task, digits, network, options

WORK = 2_000_000  # rows of a round


def main():
    """Compare with PyTorch along each axis."""
    chosen = options(__doc__)
    X, y, name = digits(chosen, rows=20_000 if chosen.quick else 1_000_000)
    for m in (1_000, 10_000, 100_000, 1_000_000):
        if m <= len(X):
            _compare(chosen, X[:m], y[:m], 10, f"{m:,} rows of {name}, 784-10-10")
    m = min(60_000, len(X))
    for hidden in (4, 10, 16, 32, 64, 100, 128, 256, 512):
        _compare(chosen, X[:m], y[:m], hidden, f"{m:,} rows of {name}, 784-{hidden}-10")
    for threads in range(1, processors() + 1):
        task = Task(X[:m], y[:m], network(10), steps=20)
        timings = compare(
            "full_batch", task, ["handgrad_native"], rounds=chosen.rounds, threads=[threads]
        )
        title = f"A full-batch step with {threads} threads, {m:,} rows of {name}, 784-10-10"
        report(title, timings, as_json=chosen.json, per=task.steps)


def _compare(chosen, X, y, hidden, what):
    steps = max(1, min(200, WORK // len(X) * 10 // max(10, hidden)))
    task = Task(X, y, network(hidden), steps=steps, learning_rate=0.01)
    timings = compare(
        "full_batch",
        task,
        ["handgrad_native", "pytorch"],
        rounds=min(chosen.rounds, 3),
        threads=[processors()],
    )
    report(f"A full-batch step, {what}", timings, as_json=chosen.json, per=steps)


if __name__ == "__main__":
    main()
