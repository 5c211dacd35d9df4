"""Does the engine skip zeros exactly when that is faster?

CSR rows always take the sparse path, and rows without zeros always take the dense path. At every
density, the engine's own choice for dense rows should take about as long as the faster of the two.
"""

import numpy as np
from scipy import sparse

from measure import compare, processors, report
from tasks import Task, network, options

FEATURES, STEPS = 784, 10


def main():
    """Measure the three at several densities, for a narrow and a wide network."""
    chosen = options(__doc__)
    random = np.random.default_rng(0)
    m = 2_000 if chosen.quick else 20_000
    full = random.random((m, FEATURES), dtype=np.float32) + np.float32(0.1)
    y = random.integers(10, size=m)
    for hidden in (10, 100):
        for density in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0):
            X = full * (random.random((m, FEATURES), dtype=np.float32) < density)
            kinds = {"handgrad's choice": X, "skipping zeros": sparse.csr_array(X), "dense": full}
            timings = []
            for kind, rows in kinds.items():
                task = Task(rows, y, network(hidden), steps=STEPS, learning_rate=0.01)
                [timing] = compare(
                    "full_batch",
                    task,
                    ["handgrad_native"],
                    rounds=min(chosen.rounds, 3),
                    threads=[processors()],
                )
                timing.peer = kind
                timings.append(timing)
            title = f"A full-batch step, 784-{hidden}-10, {m:,} rows, {density:.0%} non-zeros"
            report(title, timings, as_json=chosen.json, per=STEPS)


if __name__ == "__main__":
    main()
