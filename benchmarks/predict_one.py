"""How long does it take to predict one digit, called from Python?"""

from measure import compare, processors, report
from tasks import Task, digits, network, options

CALLS = 2000


def main():
    """Compare all peers."""
    chosen = options(__doc__)
    X, y, name = digits(chosen, rows=CALLS)
    task = Task(X, y, network(10), steps=len(X))
    peers = [
        "handgrad_native",
        "numpy_reference",
        "pytorch",
        "scikit_learn",
        "jax_xla",
        "onnx_runtime",
    ]
    threads = sorted({1, processors()})
    timings = compare("predict_one", task, peers, rounds=chosen.rounds, threads=threads)
    title = f"The label of one digit of {name}, 784-10-10"
    report(title, timings, as_json=chosen.json, per=len(X))


if __name__ == "__main__":
    main()
