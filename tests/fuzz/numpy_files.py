"""NPZ and NPY files: headers as text, and ZIP members with right sums around damaged content."""

from __future__ import annotations

import bz2
import lzma
import math
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

import numpy as np

from fuzz import mutations
from fuzz.loading import draw_how, load_case

if TYPE_CHECKING:
    from random import Random

    from fuzz.outcome import Case

NAME = "npz"
LARGE_IS_ASKED = False
STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14
METHODS = (STORED, DEFLATED, BZIP2, LZMA)

TYPES = ["|u1", "<f4", "<f8", "<i8", ">i4", ">f8", "|b1", "<i2", "<f2", "<u8"]
DESCRIPTIONS = [
    *("|u1", "<f4", "<f8", ">f8", "<f2", "<f16", "|b1", "|i1", "<u8", "<i8", "<c16", "|O", "O"),
    *("<U1", "<U0", "<U9", "<U1000000", "|S1", "|S0", "|S9", "|S65536", "|V8", "|V0", "<M8[s]"),
    *(
        "<m8",
        "a5",
        "",
        "x",
        "u1,u1",
        "3f4",
        "(2,)f4",
        "<f-1",
        "f8" * 300,
        "\x00",
        "=f8",
        "|f8",
        "T",
    ),
]
RAW_DESCRIPTIONS = [
    *("[('a', '<f8')]", "[('a', '<f8', (2,))]", "[]", "None", "1", "True", "('<f8',)", "'<f8', "),
    *(
        "{'names': ['a'], 'formats': ['<f8']}",
        "b'<f8'",
        "'<f8' * 9",
        "__import__('os')",
        "'\\ud800'",
    ),
]
SHAPES = [
    *("()", "(0,)", "(0, 3)", "(3, 0)", "(1,)", "(-1,)", "(-1, -6)", "(2.0, 3)", "(True, 6)", "6"),
    *("(4294967296, 4294967296)", "(9223372036854775807,)", "(9223372036854775808,)", "[2, 3]"),
    *("(2, 3, 1, 1, 1)", "(1,) * 9", "(2, 3", "None", "(None,)", "('2', 3)", "(1e3,)", "(0x10,)"),
    *(
        "(99999999999999999999999999, 0)",
        "(" + "1, " * 40 + ")",
        "(2, 3, 1)",
        "(2, 1, 3, 1)",
        "(1L,)",
    ),
]
LABELS = [
    np.array(["cat", "dog"]),
    np.array([b"a", b"\xff"]),
    np.array([0.0, 1.0]),
    np.array([0.5, 1.0]),
    np.array([np.nan, np.inf]),
    np.array([1e300, 2.0]),
    np.array([-1, 2**62]),
    np.array([True, False]),
    np.array(["", "\x00"]),
    np.array(["x" * 999, "1"]),
    np.array([2**64 - 1, 0], np.uint64),
    np.array(["\U0001d7d8", "\u0663"]),
]
MEMBERS = ["X", "y", "x_train", "y_train", "x_test", "y_test", "../X", "X.npy", "", "X\x00", "é"]


def draw(random: Random) -> Case:
    """Make an archive or a bare array, with damage somewhere."""
    if random.random() < 0.25:
        return {"files": {"X.npy": _array_file(random, _rows(random, 5))}} | draw_how(
            random, "X.npy"
        )
    content = _archive(random, _arrays(random))
    if random.random() < 0.2:
        content = mutations.damage(random, content, 2)
    return {"files": {"t.npz": content}} | draw_how(random, "t.npz")


def run(case: Case) -> None:
    """Load the archive or the array."""
    load_case(case)


def _arrays(random: Random) -> list[tuple[str, bytes]]:
    m = random.randint(2, 6)
    if random.random() < 0.6:
        named = [("X", _rows(random, m)), ("y", _labels(random, m))]
    else:
        named = [
            ("x_train", _rows(random, m)),
            ("y_train", _labels(random, m)),
            ("x_test", _rows(random, 2)),
            ("y_test", _labels(random, 2)),
        ]
    hit = random.randrange(len(named))
    files = [
        (name, _array_file(random, array) if at == hit else npy(array))
        for at, (name, array) in enumerate(named)
    ]
    how = random.random()
    if how < 0.1:
        del files[hit]
    elif how < 0.2:
        files[hit] = (random.choice(MEMBERS), files[hit][1])
    elif how < 0.3:
        files.insert(hit, random.choice(files))
    return files


def _rows(random: Random, m: int) -> np.ndarray:
    shape = random.choice(
        ((m, 3), (m, 3), (m, 2, 2), (m, 2, 2), (m, 1), (m, 2, 2, 1), (m,), (3, m))
    )
    values = np.frombuffer(random.randbytes(math.prod(shape)), np.uint8).reshape(shape)
    dtype = np.dtype(random.choice(TYPES))
    array = values.astype(dtype)
    if dtype.kind == "f" and random.random() < 0.2:
        with np.errstate(over="ignore", under="ignore"):
            array.flat[0] = random.choice((np.nan, np.inf, -np.inf, 1e38, 1e-45, -0.0))
    return np.asfortranarray(array) if random.random() < 0.2 else array


def _labels(random: Random, m: int) -> np.ndarray:
    if random.random() < 0.4:
        return np.resize(random.choice(LABELS), m)
    y = np.arange(m) % 2
    shape = random.choice(((m,), (m,), (m,), (m,), (m, 1), (1, m), (m, 1, 1)))
    return y.astype(random.choice(TYPES)).reshape(shape)


def npy(array: np.ndarray) -> bytes:
    """Write an array as NumPy does."""
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    return _npy(repr(array.dtype.str), repr(array.shape), fortran, array.tobytes("A"))


def _npy(description: str, shape: str, fortran: object, content: bytes) -> bytes:
    header = f"{{'descr': {description}, 'fortran_order': {fortran}, 'shape': {shape}, }}"
    return _headed(header.encode("utf-8", "surrogatepass"), content)


def _headed(header: bytes, content: bytes, version: tuple[int, int] = (1, 0)) -> bytes:
    width = "<H" if version == (1, 0) else "<I"
    padded = header + b" " * (-(len(header) + 11) % 64) + b"\n"
    size = min(len(padded), 65535) if width == "<H" else len(padded)
    return b"\x93NUMPY" + bytes(version) + struct.pack(width, size) + padded + content


def _array_file(random: Random, array: np.ndarray) -> bytes:
    how = random.random() if random.random() < 0.6 else 1
    description, shape = repr(array.dtype.str), repr(array.shape)
    fortran: object = array.flags.f_contiguous and not array.flags.c_contiguous
    content = array.tobytes("A")
    if how < 0.25:
        quoted = repr(random.choice(DESCRIPTIONS))
        description = quoted if random.random() < 0.8 else random.choice(RAW_DESCRIPTIONS)
        content = _resized(random, description, array.shape, content)
    elif how < 0.45:
        shape = random.choice(SHAPES)
        if random.random() < 0.3:
            sides = [mutations.number(random, 8) for _ in range(random.randint(1, 4))]
            shape = repr(tuple(sides))
    elif how < 0.5:
        fortran = random.choice((True, False, 1, None, "'x'", "2"))
    elif how < 0.54:
        return _much(random)
    elif how < 0.6:
        return _headed(mutations.damage(random, npy(array)[10:74]), content)
    elif how < 0.7:
        version = random.choice(((1, 0), (2, 0), (3, 0), (0, 0), (255, 255)))
        return _headed(npy(array)[10:].partition(b"\n")[0], content, version)
    elif how < 0.85:
        content = random.choice((content[:-1], content + b"\0", b"", content * 2))
    elif how < 0.97:
        return mutations.damage(random, npy(array))
    return _npy(description, shape, fortran, content)


def _resized(random: Random, description: str, shape: tuple[int, ...], content: bytes) -> bytes:
    """Give the content the size that the new type promises, where it has one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old names of types
            size = np.dtype(description.strip("'")).itemsize * math.prod(shape)
    except (TypeError, ValueError, SyntaxError):
        return content
    if random.random() < 0.3 or size > 1 << 22:
        return content
    return (content * (size // max(1, len(content)) + 1))[:size]


def _much(random: Random) -> bytes:
    """Write an array of zeros that packs a thousandfold."""
    size = 1 << random.choice((20, 22, 24))
    dtype = np.dtype(random.choice(["|u1", "|i1", "|b1", "<f2", "<f8", "<U1", "|S1"]))
    count = size // dtype.itemsize
    shape = random.choice(((count,), (count // 4, 4), (2, count // 2), (count, 1)))
    return _npy(repr(dtype.str), repr(shape), False, bytes(size))


def _archive(random: Random, files: list[tuple[str, bytes]]) -> bytes:
    """Write a ZIP file, with a small lie here and there."""
    hit = random.randrange(len(files)) if files and random.random() < 0.15 else None
    content, directory = b"", b""
    for at, (stem, member) in enumerate(files):
        name = f"{stem}.npy".encode("utf-8", "replace")
        method = (
            random.choice((STORED, DEFLATED)) if random.random() < 0.9 else random.choice(METHODS)
        )
        packed = pack(method, member)
        fields = [20, 0, method, 0, 33, zlib.crc32(member), len(packed), len(member)]
        told = list(fields)
        if at == hit:
            place = random.randrange(8)
            width = 2 if place < 5 else 4
            for version in random.choice(((fields,), (told,), (fields, told))):
                version[place] = mutations.number(random, width)
        local = struct.pack("<4s5H3I2H", b"PK\3\4", *fields, len(name), 0)
        directory += struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", 20, *told, len(name), 0, 0, 0, 0, 0, len(content)
        )
        directory += name
        content += local + name + packed
    comment = b"" if random.random() < 0.9 else random.randbytes(9)
    end = [0, 0, len(files), len(files), len(directory), len(content), len(comment)]
    if random.random() < 0.05:
        place = random.randrange(7)
        end[place] = mutations.number(random, 4 if place in (4, 5) else 2)
    return content + directory + struct.pack("<4s4H2IH", b"PK\5\6", *end) + comment


def pack(method: int, member: bytes) -> bytes:
    """Pack as the method of the ZIP format says."""
    if method == DEFLATED:
        packer = zlib.compressobj(6, wbits=-15)
        return packer.compress(member) + packer.flush()
    if method == BZIP2:
        return bz2.compress(member)
    if method == LZMA:
        filters = [{"id": lzma.FILTER_LZMA1}]
        raw = lzma.compress(member, lzma.FORMAT_RAW, filters=filters)
        return b"\x09\x04\x05\x00\x5d\x00\x00\x80\x00" + raw
    return member
