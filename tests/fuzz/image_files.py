"""PNG and JPEG files: chunks with right sums, and segments with changed fields."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING

from fuzz import mutations
from fuzz.loading import draw_how, load_case

if TYPE_CHECKING:
    from random import Random

    from fuzz.outcome import Case

NAME = "png, jpeg"
LARGE_IS_ASKED = False
PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
JPEG_MODES = ("L", "RGB", "CMYK")
NEW_CHUNKS = [
    *(b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"tRNS", b"PLTE", b"gAMA", b"eXIf", b"acTL", b"fcTL"),
    *(b"fdAT", b"IDAT", b"IEND", b"IHDR", b"pHYs", b"bKGD", b"cHRM", b"sRGB", b"abcd", b"ABCD"),
]


def draw(random: Random) -> Case:
    """Make an image with damage, alone or in a folder of classes."""
    name, content = random.choice(_valid_images())
    damaged = _damaged_png if name.endswith("png") else _damaged_jpeg
    content = damaged(random, content)
    if random.random() < 0.8:
        return {"files": {name: content}} | draw_how(random, name) | {"labelled": False}
    others = [image for _, image in _valid_images()]
    files = {f"cat/{name}": content, "dog/b.png": random.choice(others), "dog/c.jpg": content}
    return {"files": files} | draw_how(random, "")


def run(case: Case) -> None:
    """Load the image or the folder."""
    load_case(case)


@cache
def _valid_images() -> list[tuple[str, bytes]]:
    from PIL import Image

    images = []
    for mode in PNG_MODES:
        for size in ((4, 4), (3, 2), (28, 28)):
            image = Image.frombytes(mode, size, bytes(range(256)) * 13)
            images.append(("a.png", _saved(image, "PNG")))
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette(bytes(range(48)))
    images.append(("a.png", _saved(palette, "PNG", transparency=1)))
    for mode in JPEG_MODES:
        image = Image.frombytes(mode, (9, 8), bytes(range(256)) * 2)
        images += [("a.jpg", _saved(image, "JPEG", progressive=p)) for p in (False, True)]
    return images


def _saved(image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _damaged_png(random: Random, content: bytes) -> bytes:
    if random.random() < 0.2:
        return mutations.damage(random, content)
    chunks = _chunks(content)
    for _ in range(random.choice((1, 1, 2, 3))):
        at, how = random.randrange(len(chunks)), random.random()
        name, body = chunks[at]
        if how < 0.35:
            chunks[at] = (name, _changed_body(random, name, body))
        elif how < 0.45 and len(chunks) > 1:
            del chunks[at]
        elif how < 0.55:
            chunks.insert(random.randrange(len(chunks)), chunks[at])
        elif how < 0.9:
            chunks.insert(random.randrange(1, len(chunks) + 1), _new_chunk(random))
        else:
            chunks[at] = (random.choice(NEW_CHUNKS), body)
    return content[:8] + b"".join(_chunk(name, body) for name, body in chunks)


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at < len(content):
        (size,) = struct.unpack_from(">I", content, at)
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += size + 12
    return chunks


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _changed_body(random: Random, name: bytes, body: bytes) -> bytes:
    if name == b"IHDR" and len(body) == 13:
        fields = list(struct.unpack(">2I5B", body))
        place = random.randrange(7)
        fields[place] = (
            random.choice((mutations.number(random), random.randrange(60), 2048, 2049, 100_000))
            if place < 2
            else random.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
        )
        return struct.pack(">2I5B", *fields)
    if name == b"IDAT" and random.random() < 0.7:
        try:
            pixels = zlib.decompress(body)
        except zlib.error:
            return mutations.damage(random, body)
        return zlib.compress(mutations.damage(random, pixels))
    return mutations.damage(random, body)


def _new_chunk(random: Random) -> tuple[bytes, bytes]:
    name = random.choice(NEW_CHUNKS)
    text = random.choice((b"key\0", b"", b"k" * 90 + b"\0"))
    packed = zlib.compress(random.choice((b"value", bytes(1 << 21), b"")))
    bodies = [
        random.randbytes(random.choice((0, 1, 2, 4, 6, 26, 32, 256, 768))),
        text + b"\0" + packed,
        text + b"\1\0\0\0" + packed,
        struct.pack(">2I", mutations.number(random), mutations.number(random)),
        b"II*\0" + random.randbytes(20),
    ]
    return name, random.choice(bodies)


def _damaged_jpeg(random: Random, content: bytes) -> bytes:
    if random.random() < 0.4:
        return mutations.damage(random, content)
    changed = bytearray(content)
    markers = [
        at for at in range(2, len(content) - 4) if content[at] == 0xFF and content[at + 1] > 0xBF
    ]
    at = random.choice(markers)
    (size,) = struct.unpack_from(">H", content, at + 2)
    how = random.randrange(5)
    if how == 0:
        changed[at + 1] = random.randrange(0xC0, 0x100)
    elif how == 1:
        changed[at + 2 : at + 4] = struct.pack(">H", mutations.number(random, 2))
    elif how == 2:
        del changed[at : at + 2 + size]
    elif how == 3:
        changed[at:at] = content[at : at + 2 + size]
    else:
        body = mutations.damage(random, content[at + 4 : at + 2 + size])[:65000]
        changed[at + 2 : at + 2 + size] = struct.pack(">H", len(body) + 2) + body
    return bytes(changed)
