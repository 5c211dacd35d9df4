"""How long does one full-batch step of 784-10-10 take, and how near is that to the lower limit?"""

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np

from measure import Timing, compare, processors, report
from tasks import Task, digits, network, options

STEPS = 20


def time_to_read(X, rounds):
    """Time one reading of the same bytes with all threads: no step can be faster."""
    words = np.ascontiguousarray(X).reshape(-1)[: X.size // 8 * 8].view(np.int64)
    threads = processors()
    parts = np.array_split(words, threads)
    timing = Timing("reading the bytes once", threads)
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(10 * rounds):
            timing.seconds.append(_seconds(lambda: list(pool.map(np.max, parts))))
    return timing


def _seconds(action):
    start = perf_counter()
    action()
    return perf_counter() - start


def main():
    """Compare all peers."""
    chosen = options(__doc__)
    X, y, name = digits(chosen)
    task = Task(X, y, network(10), steps=STEPS)
    peers = ["handgrad_native", "numpy_reference", "pytorch", "scikit_learn", "jax_xla"]
    timings = compare(
        "full_batch", task, peers, rounds=chosen.rounds, threads=sorted({1, processors()})
    )
    reading = time_to_read(X, chosen.rounds)
    reading.seconds = [seconds * STEPS for seconds in reading.seconds]
    title = f"A full-batch step, 784-10-10, {len(X):,} rows of {name}"
    report(title, [*timings, reading], as_json=chosen.json, per=STEPS)


if __name__ == "__main__":
    main()
