"""CSV files, cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz import mutations
from fuzz.loading import draw_how, load_case

if TYPE_CHECKING:
    from random import Random

    from fuzz.outcome import Case

NAME = "csv"
LARGE_IS_ASKED = False
LABELS = ("label", "label", "label", "kind", "a", "pixel0", "", "no such column")
WIDE = 30_000  # columns

CELLS = [
    *("", " ", "0", "1", "-0", "+5", "255", "256", "-1", "255.0", "1.5", "1e2", "1e999", "1e-999"),
    *("nan", "NaN", "nan(1)", "inf", "-inf", "Infinity", "0x10", "1_000", "1d5", "1L", "1j", "(1)"),
    *("1" * 400, "1" * 5000, "0." + "0" * 400 + "1", "1e", "e1", ".", "-", "+", "1.", ".5", "1 2"),
    *("True", "None", "#", "# 1", "=1+1", "'1'", '"', '""', '"1"', '"1,5"', '"a\nb"', '"a', 'a"b'),
    *(
        "\t3",
        "3\t",
        "3\x0b",
        "3\x0c",
        "\x1c3",
        "3\x1f",
        "\x853",
        "\xa03",
        "\u20283",
        "\u3000",
        "3\x00",
    ),
    *("\uff11", "\u0663", "\u0661\u0662", "\xb2", "\xbd", "\u2460", "\U0001d7d8", "\U0001d7ce5"),
    *("\U0001f600", "\U0010ffff", "\ud7ff", "\ue000", "\ufeff", "\ufeff1", "\u0130", "ı", "ß", "é"),
    *(
        "\u2212 1",
        "\u22121",
        "1\u00a0000",
        "1'000",
        "1,000",
        ";",
        "1;2",
        "\x1b[31m",
        "\x7f",
        "\x80",
    ),
    *(",", ",,", "\r", "\n", "\r\n", "\n\n", "\r\r\n"),
]
NAMES = [
    *("label", "kind", "a", "b", "pixel0", "pixel1", "PIXEL2", "1x1", "1x2", "28x28", "x", "", " "),
    *("0", "1", "nan", "pixel\u0663", "pixel99999999999999999999", '"q"', '"a,b"', "label ", "é"),
    *("\ufefflabel", "\x00", "\x1b[2J", "\U0001f600", "y" * 5000, "\n", "1e5", "Label"),
]
CLASSES = ["cat", "dog", "0", "1", "7", "1.0", "01", "é", "3", "\U0001f600", "-1"]
ENDS = ["\n", "\n", "\n", "\r\n", "\r", "\n\n", "\n \n", "\x0b\n", "\x85", "\u2028"]


def draw(random: Random) -> Case:
    """Make a table with odd cells, lines, or bytes."""
    return {"files": {"t.csv": damaged_table(random)}} | draw_how(random, "t.csv", labels=LABELS)


def run(case: Case) -> None:
    """Load the table."""
    load_case(case)


def damaged_table(random: Random) -> bytes:
    """Write a table with some cells from the dictionary, and now and then with other damage."""
    if random.random() < 0.002:
        return _wide_table(random)
    header, rows = valid_table(random)
    for _ in range(random.choice((0, 1, 1, 1, 2, 5))):
        _damage_cells(random, random.choice(rows), CELLS)
    if random.random() < 0.3:
        _damage_cells(random, header, NAMES)
    end = random.choice(ENDS)
    lines = [",".join(cells) for cells in [header, *rows]]
    if random.random() < 0.1:
        lines.insert(
            random.randrange(len(lines)), random.choice(("", " ", "\t", "\x0c", "\u3000", "#"))
        )
    if random.random() < 0.05:
        lines.insert(random.randrange(len(lines)), random.choice(lines))
    text = end.join(lines) + random.choice((end, ""))
    content = text.encode(
        random.choice(["utf-8"] * 12 + ["utf-8-sig", "utf-16", "cp1252"]), "replace"
    )
    return mutations.damage(random, content, 2) if random.random() < 0.15 else content


def valid_table(random: Random) -> tuple[list[str], list[list[str]]]:
    """Make a header and rows, of pixels or of numbers."""
    D, m = random.choice(((1, 3), (2, 4), (4, 6), (9, 3))), random.randint(1, 8)
    width = random.choice(D)
    if random.random() < 0.6:
        header = [f"pixel{j}" for j in range(width)]
        rows = [[str(random.randrange(256)) for _ in range(width)] for _ in range(m)]
    else:
        header = [f"f{j}" for j in range(width)]
        rows = [[repr(random.uniform(-9, 9)) for _ in range(width)] for _ in range(m)]
    if random.random() < 0.9:
        place = random.choice((0, width, random.randrange(width + 1)))
        header.insert(place, "label")
        classes = random.sample(CLASSES, 3)
        for i, row in enumerate(rows):
            row.insert(place, classes[i] if i < 2 else random.choice(classes))
    return header, rows


def _damage_cells(random: Random, cells: list[str], words: list[str]) -> None:
    place = random.randrange(len(cells)) if cells else 0
    how = random.random()
    if how < 0.75 and cells:
        word = random.choice(words)
        cells[place] = word + cells[place] if random.random() < 0.15 else word
    elif how < 0.83:
        del cells[place : place + 1]
    elif how < 0.91:
        cells.insert(place, random.choice(words))
    elif cells:
        cells[place] = cells[place] + chr(
            random.choice((random.randrange(0xD800), 0x1F600, 0x1D7D8))
        )


def _wide_table(random: Random) -> bytes:
    prefix = random.choice(("pixel", "f"))
    header = ",".join(f"{prefix}{j}" for j in range(WIDE))
    row = random.choice(("1,", "1.5,", '"1",')) * (WIDE - 1) + random.choice(CELLS[:20])
    return f"label,{header}\n0,{row}\n1,{row}\n".encode()
