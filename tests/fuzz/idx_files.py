"""IDX files, alone and as the four of MNIST."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from fuzz import mutations
from fuzz.loading import draw_how, load_case

if TYPE_CHECKING:
    from random import Random

    from fuzz.outcome import Case

NAME = "idx"
LARGE_IS_ASKED = False
STEMS = ("train-images", "train-labels", "t10k-images", "t10k-labels")


def draw(random: Random) -> Case:
    """Make a folder of four files, or one file of images, with damage."""
    files = valid_folder(random)
    for name in random.sample(list(files), random.choice((0, 1, 1, 1, 2))):
        files[name] = damaged(random, files[name])
    if random.random() < 0.1:
        del files[random.choice(list(files))]
    name = random.choice(("", "", "train-images-idx3-ubyte"))
    if name:
        files = {name: files.get(name, b"")}
    return {"files": files} | draw_how(random, name)


def run(case: Case) -> None:
    """Load the folder or the file."""
    load_case(case)


def valid_folder(random: Random) -> dict[str, bytes]:
    """Make the four files."""
    rows, columns = random.randint(1, 6), random.randint(1, 6)
    files = {}
    for part in ("train", "t10k"):
        m = random.randint(2, 9)
        pixels = random.randbytes(m * rows * columns)
        labels = bytes(i % 2 if i < 2 else random.randrange(3) for i in range(m))
        files[f"{part}-images-idx3-ubyte"] = packed((m, rows, columns), pixels)
        files[f"{part}-labels-idx1-ubyte"] = packed((m,), labels)
    return files


def packed(shape: tuple[int, ...], content: bytes) -> bytes:
    """Write an IDX file."""
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content


def damaged(random: Random, content: bytes) -> bytes:
    """Change the header, or the bytes anywhere; keep the size right in some."""
    how = random.randrange(5)
    if how > 2:
        return mutations.damage(random, content)
    dimensions = content[3]
    shape = list(struct.unpack_from(f">{dimensions}I", content, 4))
    pixels = content[4 + 4 * dimensions :]
    shape[random.randrange(dimensions)] = mutations.number(random)
    if how == 1:  # with as many bytes as the header promises, where they are not too many
        size = 1
        for side in shape:
            size *= side
        pixels = (pixels * (min(size, 1 << 20) // len(pixels) + 1))[:size]
    changed = bytearray(packed(tuple(shape), pixels))
    if how == 2:
        changed[random.randrange(4)] = random.randrange(256)
    return bytes(changed)
