"""How long does an epoch of a regressor take: 50 features, H = 100, adam, batches of 200?"""

from measure import compare, processors, report
from tasks import Task, network, options, smooth_values

ROWS, FEATURES = 20_000, 50


def main():
    """Compare all peers."""
    chosen = options(__doc__)
    X, y = smooth_values(2_000 if chosen.quick else ROWS, FEATURES)
    parameters = network(100, FEATURES, classes=1, output="identity")
    task = Task(
        X, y, parameters, learning_rate=0.001, batch_size=200, solver="adam", output="identity"
    )
    peers = ["handgrad_native", "numpy_reference", "pytorch", "scikit_learn"]
    threads = sorted({1, processors()})
    timings = compare("batches", task, peers, rounds=chosen.rounds, threads=threads, tolerance=1e-3)
    title = f"An epoch of adam, batches of 200, {FEATURES}-100-1, {len(X):,} rows"
    report(title, timings, as_json=chosen.json)


if __name__ == "__main__":
    main()
