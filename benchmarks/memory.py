"""What is the peak memory of a whole process that trains on full MNIST?"""

import json

from rich.console import Console
from rich.table import Table

from measure import machine
from tasks import digits, options
from whole import last_number, programs


def main():
    """Compare whole programs."""
    chosen = options(__doc__)
    X, y, name = digits(chosen)
    with programs(X, y, 20, "memory") as commands:
        peaks = {peer: last_number(command) * 1024 / 1e6 for peer, command in commands.items()}
    title = f"Peak memory of a process that trains on {len(X):,} rows of {name}"
    if chosen.json:
        print(json.dumps({"question": title, "machine": machine(), "megabytes": peaks}))
        return
    table = Table("peer", "MB", "times handgrad's", title=title, title_justify="left")
    for peer, peak in peaks.items():
        table.add_row(peer, f"{peak:.0f}", f"{peak / peaks['handgrad_native']:.2f}")
    Console(highlight=False).print(table)


if __name__ == "__main__":
    main()
