"""How long does an epoch take with several hidden layers, narrow and wide: adam, batches of 200?"""

from measure import compare, processors, report
from tasks import Task, digits, network, options

HIDDEN = ((100, 50), (512, 512))


def main():
    """Compare all peers."""
    chosen = options(__doc__)
    X, y, name = digits(chosen)
    peers = ["handgrad_native", "numpy_reference", "pytorch", "scikit_learn"]
    threads = sorted({1, processors()})
    for hidden in HIDDEN:
        task = Task(X, y, network(hidden), learning_rate=0.001, batch_size=200, solver="adam")
        timings = compare(
            "batches", task, peers, rounds=chosen.rounds, threads=threads, tolerance=1e-3
        )
        sizes = "-".join(map(str, (784, *hidden, 10)))
        title = f"An epoch of adam, batches of 200, {sizes}, {len(X):,} rows of {name}"
        report(title, timings, as_json=chosen.json)


if __name__ == "__main__":
    main()
