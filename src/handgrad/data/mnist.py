"""MNIST, downloaded once from public mirrors and verified each time it is read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad.data import idx
from handgrad.data.streams import CHUNK, open_unpacked
from handgrad.errors import DataError

if TYPE_CHECKING:
    from handgrad.data.dataset import Parts

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
SECONDS_TO_ANSWER = 10
# SHA-256 of the unpacked files, because mirrors may pack them differently.
HASHES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def read_mnist(folder: Path | None = None) -> Parts:
    """Read MNIST from the cache, after downloading files that are missing or damaged there."""
    import pooch

    folder = folder or Path(pooch.os_cache("handgrad")) / "mnist"
    for name, expected in HASHES.items():
        path = folder / f"{name}.gz"
        if not _is_whole(path, expected):
            _fetch(path, expected)
    return idx.read_folder(folder)


def _fetch(path: Path, expected: str) -> None:
    """Download a file from the first mirror that has an undamaged copy."""
    import pooch

    pooch.get_logger().setLevel("ERROR")
    downloader = pooch.HTTPDownloader(timeout=SECONDS_TO_ANSWER)
    faults = []
    for mirror in MIRRORS:
        try:
            path.unlink(missing_ok=True)
            pooch.retrieve(
                mirror + path.name,
                known_hash=None,  # pooch would hash the packed file; the unpacked one is checked
                fname=path.name,
                path=path.parent,
                downloader=downloader,
            )
        except (OSError, ValueError) as error:
            faults.append(f"{mirror}: {type(error).__name__}")
            continue
        if _is_whole(path, expected):
            return
        path.unlink()
        faults.append(f"{mirror}: not the file of MNIST")
    raise DataError(
        f"mnist could not be downloaded ({'; '.join(faults)}); use mnist-5k, which needs no "
        "network, or name a folder with the four IDX files."
    )


def _is_whole(path: Path, expected: str) -> bool:
    if not path.is_file():
        return False
    digest = hashlib.sha256()
    try:
        with open_unpacked(path) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
    except DataError:
        return False
    return digest.hexdigest() == expected
