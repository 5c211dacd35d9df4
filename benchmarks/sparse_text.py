"""How long does an epoch of sparse text take: 2^18 features, 100 non-zeros per row, H = 16?"""

from measure import compare, processors, report
from tasks import Task, network, options, text_like

ROWS, FEATURES, HIDDEN, CLASSES = 50_000, 2**18, 16, 4


def main():
    """Compare the peers that take sparse rows directly."""
    chosen = options(__doc__)
    X, y = text_like(1_000 if chosen.quick else ROWS, FEATURES)
    for solver, rate in (("adam", 0.001), ("sgd", 0.1)):
        task = Task(
            X,
            y,
            network(HIDDEN, FEATURES, CLASSES),
            learning_rate=rate,
            batch_size=200,
            solver=solver,
        )
        timings = compare(
            "batches",
            task,
            ["handgrad_native", "scikit_learn"],
            rounds=1,  # scikit-learn takes minutes
            threads=[processors()],
        )
        title = (
            f"An epoch of {solver}, batches of 200, {FEATURES:,}-{HIDDEN}-{CLASSES}, "
            f"{len(y):,} rows of about 100 non-zeros"
        )
        report(title, timings, as_json=chosen.json)


if __name__ == "__main__":
    main()
