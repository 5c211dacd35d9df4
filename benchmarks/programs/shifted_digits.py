"""Writes MNIST-like rows as a folder of Parquet files: real digits, shifted by up to two pixels."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from handgrad import data
from scaling.parquet import GROUP_ROWS, LAYOUTS, write_folder
from scaling.shifted import shifted_digits

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", help="a folder that is new or empty")
parser.add_argument("--rows", type=int, default=2_000_000)
parser.add_argument("--layout", choices=LAYOUTS, default="binary")
parser.add_argument("--compression", default="snappy", help="of pyarrow; none: no compression")
parser.add_argument("--data", default="mnist-5k", help="full MNIST: a folder with its IDX files")
parser.add_argument("--seed", type=int, default=0)
chosen = parser.parse_args()

if Path(chosen.folder).exists() and any(Path(chosen.folder).iterdir()):
    raise SystemExit(f"{chosen.folder} is not empty; name a new folder.")
dataset = data.load(chosen.data)
chunks = shifted_digits(
    dataset.X_train, dataset.y_train, chosen.rows, chunk=GROUP_ROWS, seed=chosen.seed
)
write_folder(chosen.folder, chunks, chosen.layout, chosen.compression)
print(f"{chosen.rows:,} rows of {dataset.X_train.shape[1]} pixels in {chosen.folder}")
