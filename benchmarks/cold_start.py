"""How long does a whole process take: imports, 5,000 digits from files, 500 full-batch steps?"""

from measure import report, time_processes
from tasks import digits, options
from whole import last_number, programs


def main():
    """Compare whole programs."""
    chosen = options(__doc__)
    X, y, name = digits(chosen, rows=5_000)
    iterations = 5 if chosen.quick else 500
    with programs(X, y, iterations) as commands:
        timings = time_processes(commands, rounds=chosen.rounds, run=last_number)
    costs = [timing.result for timing in timings]
    if not chosen.quick and max(costs) > 1.2 * min(costs):  # their initial values differ
        raise SystemExit(f"The programs end at costs {costs}: not the same thing.")
    title = f"A whole process: {len(X):,} rows of {name}, {iterations} steps, 784-10-10"
    report(title, timings, as_json=chosen.json)


if __name__ == "__main__":
    main()
