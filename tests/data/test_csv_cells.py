"""Tables with quotes are read cell by cell, and mean the same."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from handgrad import data
from handgrad.errors import DataError

finite = st.floats(allow_nan=False, allow_infinity=False)


tables = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=finite
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.csv"


def hostile(cell: str, header: str = "pixel0,pixel1,label") -> str:
    return f"{header}\n{cell},1,a\n2,3,b\n4,5,a\n"


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
@pytest.mark.parametrize(
    "cell", ["\u4080", "\u8702", "\U0010ffff", "\U000e0001", "\u0665", "1\u4080", "\u00a01"]
)
@pytest.mark.parametrize("header", ["pixel0,pixel1,label", "width,height,label"])
def test_only_ascii_digits_are_numbers(tmp_path, suffix, cell, header):
    path = tmp_path / f"table.{suffix}"
    content = hostile(cell, header).encode()
    path.write_bytes(gzip.compress(content) if suffix == "csv.gz" else content)
    with pytest.raises(DataError, match=f"line 2: column '{header.split(',')[0]}' holds .*; exp"):
        data.load(path)


spellings = st.one_of(
    st.text("0123456789+-.eE_xX \t\v\f\x1c\x1f\x00\u0661\u4080na", max_size=8),
    st.sampled_from(
        ["nan", "inf", "-Infinity", "1_0", "0x1p3", "1e999", "1d5", "1L", "1\x1c", "1j"]
    ),
    finite.map(repr),
    st.integers(-3, 300).map(str),
)


@given(cell=spellings, pixels=st.booleans(), quote=st.booleans())
def test_both_ways_agree_on_what_a_number_is(tmp_path_factory, cell, pixels, quote):
    """NumPy's way, the way by cells, and Python's float, of ASCII signs."""
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    mark = '"' if quote else ""
    text = f"pixel0,label\n{mark}{cell}{mark},x\n7,y\n"
    path.write_text(text if pixels else text.replace("pixel0", "a"), newline="", encoding="utf-8")
    try:
        expected = float(cell) if set(cell) <= set("0123456789+-.eE \t\v\f") else np.nan
    except ValueError:
        expected = np.nan
    if not np.isfinite(expected) or (pixels and expected not in range(256)):
        with pytest.raises(DataError, match="line 2: column"):
            data.load(path)
    else:
        assert data.load(path).X_train.tolist() == [[expected], [7]]


@given(table=tables, data_=st.data(), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_tables_with_quotes_and_without_are_the_same(tmp_path_factory, table, data_, end):
    folder = tmp_path_factory.mktemp("csv")
    signs = st.characters(codec="utf-8", exclude_characters='",\n\r')
    names = st.text(signs, min_size=1).filter(lambda text: text == text.strip() != "")
    labels = data_.draw(st.lists(names, min_size=len(table), max_size=len(table)))
    rows = [
        [data_.draw(st.sampled_from(["", "\t"])) + repr(x) for x in row] + [label]
        for row, label in zip(table.tolist(), labels, strict=True)
    ]
    blank = data_.draw(st.sampled_from(["", end, " \t" + end]))
    samples = []
    for name in ("plain", "quoted"):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(
                file,
                quoting=csv.QUOTE_ALL if name == "quoted" else csv.QUOTE_NONE,
                lineterminator=end,
            )
            writer.writerow([f"f{j}" for j in range(table.shape[1])] + ["label"])
            file.write(blank)
            writer.writerows(rows)
        samples.append(data.load_samples(folder / f"{name}.csv"))
    plain, quoted = samples
    np.testing.assert_array_equal(plain.X, table)
    np.testing.assert_array_equal(quoted.X, table)
    assert plain.class_names == quoted.class_names
    np.testing.assert_array_equal(plain.y, quoted.y)


def test_a_quoted_cell_that_never_ends_is_refused(path):
    path.write_text('a,label\n1,x\n2,"' + "y,\n" * 1_000_000)
    with pytest.raises(DataError, match=r"line 3: .*; expected"):
        data.load(path)
    path.write_text('a,label\n1,x\n2,"y"' + ',"",""\n,"\n"' * 1_000_000)
    with pytest.raises(DataError, match=r"line \d: .* cells; expected 2, one for each column"):
        data.load(path)


def test_a_row_that_never_ends_is_refused_before_it_is_kept(path):
    path.write_text('a,label\n1,x\n"' + '\n",12,"' * 1_000_000)
    with pytest.raises(DataError, match=r"its row has more than 131,\d\d\d cells; expected 2"):
        data.load(path)
