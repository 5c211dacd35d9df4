"""How long does an epoch of mini-batches of 32 and of 200 take, 784-10-10?"""

from measure import compare, processors, report
from tasks import Task, digits, network, options


def main():
    """Compare all peers."""
    chosen = options(__doc__)
    X, y, name = digits(chosen)
    peers = ["handgrad_native", "numpy_reference", "pytorch", "scikit_learn", "jax_xla"]
    for batch_size in (32, 200):
        rows = len(X) // batch_size * batch_size
        task = Task(X[:rows], y[:rows], network(10), learning_rate=0.01, batch_size=batch_size)
        threads = sorted({1, processors()})
        timings = compare("batches", task, peers, rounds=chosen.rounds, threads=threads)
        title = f"An epoch of batches of {batch_size}, 784-10-10, {rows:,} rows of {name}"
        report(title, timings, as_json=chosen.json)


if __name__ == "__main__":
    main()
