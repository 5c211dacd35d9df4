"""Trains as the command line does, and prints the memory that this takes above its imports.

The arguments are those of `handgrad`. Anonymous and shared pages count, the system's copies of
files do not. A thread samples them.
"""

import importlib
import json
import re
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from threading import Event, Thread

from handgrad.__main__ import main

SAMPLE_SECONDS = 0.005
USED_BY_A_JOB = ("handgrad.cli", "handgrad.jobs", "handgrad.data.blocks", "pyarrow.parquet")


def pages():
    """Return the bytes of anonymous and shared memory of this process."""
    text = Path("/proc/self/smaps_rollup").read_text()
    names = "Pss_Anon|Pss_Shmem" if "Pss_Shmem" in text else "Anonymous|Shmem"
    return 1024 * sum(map(int, re.findall(rf"^(?:{names}): +(\d+) kB$", text, re.MULTILINE)))


class Peak(Thread):
    """Samples memory until it is told to end."""

    def __init__(self):
        super().__init__(daemon=True)
        self.bytes, self.ended = pages(), Event()

    def run(self):
        """Keep the largest number."""
        while not self.ended.wait(SAMPLE_SECONDS):
            self.bytes = max(self.bytes, pages())


for module in USED_BY_A_JOB:
    importlib.import_module(module)
imports = pages()
peak = Peak()
peak.start()
status: object = 0
with redirect_stdout(StringIO()):
    try:
        main(sys.argv[1:])
    except SystemExit as end:
        status = end.code
peak.ended.set()
peak.join()
if status:
    raise SystemExit(status)
print(json.dumps({"imports": imports, "above": peak.bytes - imports}))
