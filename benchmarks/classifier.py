"""How much faster is a script when only its import line changes from scikit-learn's?

Both packages train scikit-learn's default network (100 hidden units, adam, batches of 200) on the
same rows from the same initial values. Their losses must agree epoch by epoch as long as rounding
in float32 lets two runs stay together, and must be equally low in the end. Among the late losses
only the lowest counts, because adam makes jumps in between that no two runs share.
"""

import numpy as np

from measure import report, time_processes
from tasks import digits, options
from whole import printed_list, scripts

EPOCHS, TOGETHER = 40, 15
ALIKE, AS_LOW = 0.02, 0.5  # relative differences: of single losses, and of the lowest


def main():
    """Compare whole programs that differ in their import line."""
    chosen = options(__doc__)
    X, y, name = digits(chosen)
    epochs = 2 if chosen.quick else EPOCHS
    with scripts(X.astype(np.float32) / np.float32(255), y, epochs) as commands:
        timings = time_processes(commands, rounds=chosen.rounds, run=printed_list)
    check_losses(*(timing.result for timing in timings))
    title = f"A script with MLPClassifier(max_iter={epochs}), {len(X):,} rows of {name}"
    report(title, timings, as_json=chosen.json)


def check_losses(ours, theirs):
    """Stop unless both scripts reach the same loss."""
    early = zip(ours[:TOGETHER], theirs[:TOGETHER], strict=True)
    if not (
        all(abs(one - other) <= ALIKE * other for one, other in early)
        and min(ours) <= (1 + AS_LOW) * min(theirs)
    ):
        raise SystemExit(f"The scripts' losses are {ours} and {theirs}: not the same thing.")


if __name__ == "__main__":
    main()
