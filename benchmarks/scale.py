"""How does training scale: rows beyond memory, a cluster of Dask, and the same job on Spark?

Each part can run alone: --parts sizes dask memory layouts spark. Rows are real digits of MNIST,
shifted by up to two pixels; Spark and handgrad train on the digits themselves. At the end the
figures are held against what they must reach.
"""

import json

from rich.console import Console
from rich.table import Table

from handgrad import data
from measure import WIDTH, machine, processors
from scaling import clusters, layouts, memory, sizes, spark
from tasks import options

PARTS = ("sizes", "dask", "memory", "layouts", "spark")
SIZES = (60_000, 250_000, 1_000_000, 2_000_000)
FUTURE_SIZES = (60_000, 2_000_000, 100_000_000, 10_000_000_000)
MOST_ABOVE_WINDOW = 200e6
err = Console(stderr=True, highlight=False)


class Bars:
    """What figures must reach, and whether they do."""

    def __init__(self):
        self.rows = []

    def at_least(self, what, found, bar):
        """Note a figure that must not be smaller."""
        self.rows.append({"what": what, "found": found, "at_least": bar, "met": found >= bar})

    def at_most(self, what, found, bar):
        """Note a figure that must not be larger."""
        self.rows.append({"what": what, "found": found, "at_most": bar, "met": found <= bar})


def measure_sizes(chosen, dataset, bars):
    """Compare the places where rows may lie, for each number of rows."""
    found = {}
    for rows in chosen.rows:
        times = sizes.step_times(dataset.X_train, dataset.y_train, rows, chosen.rounds)
        found[rows] = times
        show_sizes(rows, times, chosen)
    largest = max(found)
    times = found[largest]
    in_memory = times["rows_in_memory, one step"]
    bars.at_least(
        f"speed from a warm cache over that in memory, {largest:,} rows",
        in_memory / times["blocks_cached, one step"],
        0.45,
    )
    bars.at_least(
        f"speed from a cold cache over that in memory, {largest:,} rows",
        in_memory / times["blocks_cold, one step"],
        0.20,
    )
    if "dask_two" in times:
        least = found[min(found)]
        bars.at_most(
            f"two workers over two threads in process, {largest:,} rows",
            times["dask_two"] / times["rows_in_memory"],
            1.35,
        )
        bars.at_most(
            f"ms that Dask adds to an iteration, {min(found):,} rows",
            1e3 * (least["dask_two"] - least["rows_in_memory"]),
            40,
        )
    return {str(rows): times for rows, times in found.items()}


def show_sizes(rows, times, chosen):
    """Print the times of a step for one number of rows."""
    if chosen.json:
        return
    table = table_of(f"A full-batch step, 784-10-10, {rows:,} rows", "peer")
    for heading in ("ms", "rows per second", "speed over that in memory"):
        table.add_column(heading, justify="right")
    for peer, seconds in times.items():
        base = times["rows_in_memory" + (", one step" if "one step" in peer else "")]
        table.add_row(
            peer, f"{1e3 * seconds:.4g}", f"{rows / seconds:,.0f}", f"{base / seconds:.2f}"
        )
    print_table(table)


def measure_dask(chosen, dataset, bars):
    """Say what larger clusters would give."""
    rows = max(chosen.rows)
    step = sizes.step_in_memory(dataset.X_train, dataset.y_train, rows, chosen.rounds)
    threads = processors()
    found = clusters.costs(step / rows * threads, threads, chosen.rounds)
    predicted = clusters.table(found, FUTURE_SIZES)
    if not chosen.json:
        table = table_of(
            f"Model: ms of an iteration, machines with {threads} threads; an iteration costs "
            f"{1e3 * found.fixed:.1f} ms and {1e3 * found.per_worker:.2f} ms per worker",
            "rows",
        )
        table.add_column("in process", justify="right")
        for machines in clusters.MACHINES[1:]:
            table.add_column(f"{machines:,} machines", justify="right")
        for row in predicted:
            ms = [row["in_process_ms"], *row["cluster_ms"].values()]
            table.add_row(f"{row['rows']:,}", *(f"{value:,.4g}" for value in ms))
        print_table(table)
        for machines in clusters.MACHINES[1:]:
            print(f"{machines:,} machines are a loss below {found.break_even(machines):,.0f} rows")
    even = {machines: found.break_even(machines) for machines in clusters.MACHINES[1:]}
    return {"costs": vars(found), "predicted": predicted, "break_even_rows": even}


def measure_memory(chosen, dataset, bars):
    """Measure the memory of training against the number of rows."""
    found = {}
    for rows in chosen.rows:
        found[rows] = memory.bytes_above_imports(dataset.X_train, dataset.y_train, rows)
    if not chosen.json:
        table = table_of("MB above the imports while `handgrad train --stream` runs", "rows")
        for heading in next(iter(found.values())):
            table.add_column(heading, justify="right")
        for rows, figures in found.items():
            table.add_row(f"{rows:,}", *(f"{value / 1e6:.0f}" for value in figures.values()))
        print_table(table)
    most = max(max(figures.values()) for figures in found.values())
    bars.at_most("MB above imports and window", (most - memory.WINDOW_BYTES) / 1e6, 200)
    return {str(rows): figures for rows, figures in found.items()}


def measure_layouts(chosen, dataset, bars):
    """Compare Parquet layouts."""
    rows = 4_096 if chosen.quick else 65_536
    found = layouts.layout_speeds(dataset.X_train, dataset.y_train, rows, chosen.rounds)
    if not chosen.json:
        table = table_of(f"Decoding {rows:,} rows of 784 pixels from Parquet", "layout")
        for heading in ("pyarrow, rows/s", "blocks, rows/s", "bytes per row"):
            table.add_column(heading, justify="right")
        for row in found:
            name, *figures = row.values()
            table.add_row(name, *(f"{value:,.0f}" for value in figures))
        print_table(table)
    return found


def measure_spark(chosen, dataset, bars):
    """Compare whole jobs with Spark's."""
    missing = spark.why_no_spark()
    if missing:
        err.print(f"Spark is left out: {missing}.")
    found = {}
    for solver in spark.SOLVERS:
        count = 5 if chosen.quick else spark.ITERATIONS[solver]
        found[solver] = jobs = spark.compared(dataset, count, chosen.rounds, solver)
        show_jobs(f"{count} iterations of {solver}, 784-10-10, 60,000 digits", jobs, chosen)
    if not missing:
        jobs = found["gd"]
        ours, dask, theirs = jobs["handgrad"], jobs["handgrad on Dask"], jobs["Spark"]
        for what, ratio, bar in (
            ("Spark's iteration over ours in process", theirs["iteration"] / ours["iteration"], 15),
            ("Spark's iteration over ours on Dask", theirs["iteration"] / dask["iteration"], 3),
            ("Spark's job over ours on Dask", theirs["job"] / dask["job"], 6),
            ("our accuracy less Spark's", ours["accuracy"] - theirs["accuracy"], 0),
        ):
            bars.at_least(what, ratio, bar)
    return found


def show_jobs(title, jobs, chosen):
    """Print the figures of whole jobs side by side."""
    if chosen.json:
        return
    table = table_of(title, "peer")
    for heading in ("job, s", "without start, s", "iteration, ms", "test accuracy", "test cost"):
        table.add_column(heading, justify="right")
    for peer, job in jobs.items():
        table.add_row(
            peer,
            f"{job['job']:.2f}",
            f"{job['job_without_start']:.2f}",
            f"{1e3 * job['iteration']:.1f}",
            f"{job['accuracy']:.4f}",
            f"{job['cost']:.4f}",
        )
    print_table(table)


def table_of(title, first):
    """Return an empty table."""
    return Table(first, title=title, title_justify="left")


def print_table(table):
    """Print a table."""
    Console(highlight=False, width=WIDTH).print(table)


def show_bars(bars):
    """Print what figures must reach."""
    table = table_of("What must stand", "figure")
    for heading in ("found", "expected", ""):
        table.add_column(heading, justify="right")
    for row in bars.rows:
        bar = f"≥ {row['at_least']}" if "at_least" in row else f"≤ {row['at_most']}"
        table.add_row(row["what"], f"{row['found']:.3g}", bar, "met" if row["met"] else "missed")
    print_table(table)


def main():
    """Run the parts."""
    chosen = options(
        __doc__,
        parts={"nargs": "+", "choices": PARTS, "default": PARTS},
        rows={"nargs": "+", "type": int, "default": SIZES},
    )
    if chosen.quick:
        chosen.rows = [20_000]
    dataset = data.load(chosen.data or "mnist-5k")
    bars, found = Bars(), {}
    for part in chosen.parts:
        found[part] = globals()[f"measure_{part}"](chosen, dataset, bars)
    if chosen.json:
        print(json.dumps({"machine": machine(), **found, "bars": bars.rows}, default=float))
    else:
        show_bars(bars)


if __name__ == "__main__":
    main()
