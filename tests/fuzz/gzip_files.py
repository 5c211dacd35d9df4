"""Gzip files around IDX and CSV, with damage inside (and sums that are right) or outside."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING

from fuzz import csv_files, idx_files, mutations
from fuzz.loading import draw_how, load_case

if TYPE_CHECKING:
    from random import Random

    from fuzz.outcome import Case

NAME = "gz"
LARGE_IS_ASKED = False
UNPACKED = 1 << 26  # 64 MB of zeros, in 64 kB


def draw(random: Random) -> Case:
    """Make a gzip file of a table, or the four of MNIST."""
    if random.random() < 0.5:
        return {"files": {"t.csv.gz": _pack(random, csv_files.damaged_table(random))}} | draw_how(
            random, "t.csv.gz", labels=csv_files.LABELS
        )
    files = idx_files.valid_folder(random)
    chosen = random.choice(list(files))
    if random.random() < 0.5:
        files[chosen] = idx_files.damaged(random, files[chosen])
    files = {f"{name}.gz": gzipped(content) for name, content in files.items()}
    files[f"{chosen}.gz"] = _pack(random, zlib.decompress(files[f"{chosen}.gz"], 31))
    return {"files": files} | draw_how(random, random.choice(("", f"{chosen}.gz")))


def run(case: Case) -> None:
    """Load the folder or the file."""
    load_case(case)


def gzipped(content: bytes, level: int = 1) -> bytes:
    """Pack content with right sums."""
    packer = zlib.compressobj(level, wbits=31)
    return packer.compress(content) + packer.flush()


def _pack(random: Random, content: bytes) -> bytes:
    how = random.random()
    if how < 0.4:  # damage outside, or none
        packed = gzipped(content, random.choice((0, 1, 9)))
        return packed if random.random() < 0.3 else mutations.damage(random, packed)
    if how < 0.7:
        return _with_odd_header(random, content)
    if how < 0.8:
        middle = random.randrange(len(content) + 1)
        return gzipped(content[:middle]) + gzipped(b"") + gzipped(content[middle:])
    if how < 0.9:
        return gzipped(content) + random.choice((bytes(1), bytes(999), b"\x1f\x8b", b"trailing"))
    if how < 0.905:
        return random.choice((gzipped(content), b"")) + _zeros()
    return gzipped(mutations.damage(random, content))


def _with_odd_header(random: Random, content: bytes) -> bytes:
    """Write flags, extra fields and names as RFC 1952 has them, or almost."""
    flags = random.choice((0, 1, 2, 4, 8, 16, 31, 32, 224, random.randrange(256)))
    head = struct.pack("<2sBBIBB", b"\x1f\x8b", random.choice((8, 8, 8, 0, 9)), flags, 0, 0, 255)
    if flags & 4:
        extra = random.randbytes(random.choice((0, 3, 400)))
        head += struct.pack("<H", random.choice((len(extra), 65535))) + extra
    for flag in (8, 16):
        if flags & flag:
            head += random.choice((b"", b"name", b"\xff" * 300)) + random.choice(
                (b"\0", b"\0", b"")
            )
    if flags & 2:
        head += struct.pack("<H", random.choice((zlib.crc32(head) & 0xFFFF, 1)))
    packer = zlib.compressobj(1, wbits=-15)
    body = packer.compress(content) + packer.flush()
    sums = [zlib.crc32(content), len(content) & 0xFFFFFFFF]
    if random.random() < 0.3:
        sums[random.randrange(2)] = mutations.number(random)
    return head + body + struct.pack("<2I", *sums)


@cache
def _zeros() -> bytes:
    return gzipped(bytes(UNPACKED), 9)
