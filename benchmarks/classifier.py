"""What does a script gain whose import line alone was changed from scikit-learn's?

Both train scikit-learn's default network (100 hidden units, adam, batches of 200) on the same
rows from the same initial values, and must end at the same loss.
"""

import numpy as np

from measure import report, time_processes
from tasks import digits, options
from whole import last_number, scripts

EPOCHS = 40


def main():
    """Compare whole programs that differ in their import line."""
    chosen = options(__doc__)
    X, y, name = digits(chosen)
    epochs = 2 if chosen.quick else EPOCHS
    with scripts(X.astype(np.float32) / np.float32(255), y, epochs) as commands:
        timings = time_processes(commands, rounds=chosen.rounds, run=last_number)
    ours, theirs = (timing.result for timing in timings)
    if abs(ours - theirs) > 0.2 * theirs:  # after thousands of steps of rounding in float32
        raise SystemExit(f"The scripts end at losses {ours} and {theirs}: not the same thing.")
    title = f"A script with MLPClassifier(max_iter={epochs}), {len(X):,} rows of {name}"
    report(title, timings, as_json=chosen.json)


if __name__ == "__main__":
    main()
