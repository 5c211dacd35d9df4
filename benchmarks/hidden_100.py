"""How long does an epoch of scikit-learn's default network take: H = 100, adam, batches of 200?"""

from measure import compare, processors, report
from tasks import Task, digits, network, options


def main():
    """Compare all peers."""
    chosen = options(__doc__)
    X, y, name = digits(chosen)
    task = Task(X, y, network(100), learning_rate=0.001, batch_size=200, solver="adam")
    peers = ["handgrad_native", "numpy_reference", "pytorch", "scikit_learn", "jax_xla"]
    threads = sorted({1, processors()})
    timings = compare("batches", task, peers, rounds=chosen.rounds, threads=threads, tolerance=1e-3)
    title = f"An epoch of adam, batches of 200, 784-100-10, {len(X):,} rows of {name}"
    report(title, timings, as_json=chosen.json)


if __name__ == "__main__":
    main()
