"""What is imported for a conversion, and when."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys

for name in ("sklearn", "torch"):
    sys.modules[name] = None  # as if it were not installed
import handgrad

assert "handgrad.convert" not in sys.modules
import numpy as np

model = handgrad.convert.from_torch({"weight": np.ones((2, 3))}, output="softmax")
from handgrad import Network, convert

assert convert is handgrad.convert
for function in (convert.from_sklearn, convert.to_sklearn):
    for given in (model, Network.initial(), None):
        try:
            function(given)
        except handgrad.errors.MissingPackageError as error:
            print(error)
"""


def test_a_conversion_imports_nothing_that_it_does_not_need():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (line,) = set(done.stdout.splitlines())
    assert line.endswith("is not installed; install handgrad with the extra 'sklearn'.")
    assert done.stdout.count("\n") == 6
