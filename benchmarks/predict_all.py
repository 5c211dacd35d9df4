"""How long does it take to predict the probabilities of 60,000 digits?"""

from measure import compare, processors, report
from tasks import Task, digits, network, options


def main():
    """Compare all peers."""
    chosen = options(__doc__)
    X, y, name = digits(chosen)
    task = Task(X, y, network(10))
    peers = [
        "handgrad_native",
        "numpy_reference",
        "pytorch",
        "scikit_learn",
        "jax_xla",
        "onnx_runtime",
    ]
    threads = sorted({1, processors()})
    timings = compare("predict", task, peers, rounds=3 * chosen.rounds, threads=threads)
    title = f"Probabilities of {len(X):,} rows of {name}, 784-10-10"
    report(title, timings, as_json=chosen.json)


if __name__ == "__main__":
    main()
