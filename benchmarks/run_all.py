"""Runs every benchmark, one after another, with the options given here."""

import subprocess
import sys
from pathlib import Path

QUESTIONS = (
    "full_batch",
    "batches",
    "hidden_100",
    "wide_layers",
    "regression",
    "predict_all",
    "predict_one",
    "cold_start",
    "memory",
    "sparse_text",
    "classifier",
    "density",
    "growth",
    "columns",
    "touched",
    "small_fits",
    "crowded",
    "viewers",
    "scale",
)

if __name__ == "__main__":
    for question in QUESTIONS:
        script = Path(__file__).parent / f"{question}.py"
        subprocess.run([sys.executable, str(script), *sys.argv[1:]], check=True)
