"""Tables of numbers and labels come back as they were written, or are refused."""

from __future__ import annotations

import contextlib
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


def write(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


@given(table=tables, data_=st.data())
def test_a_table_comes_back_as_written(tmp_path_factory, table, data_):
    m, D = table.shape
    texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
    labels = data_.draw(st.lists(texts, min_size=m, max_size=m))
    place = data_.draw(st.integers(0, D))
    header = [f"f{j}" for j in range(D)]
    header.insert(place, "kind")
    rows = [[repr(x) for x in row] for row in table.tolist()]
    for row, label in zip(rows, labels, strict=True):
        row.insert(place, label)
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    write(path, header, rows)
    samples = data.load_samples(path, label="kind")
    np.testing.assert_array_equal(samples.X, table)
    assert samples.y is not None
    if not any(label.strip("+-.0123456789") == "" for label in labels):
        assert [samples.class_names[k] for k in samples.y] == labels


def test_pixels_may_be_written_like_any_whole_number(path):
    write(path, ["pixel0", "pixel1", "label"], [["5.0", "1e2", "x"], [" 7", "255", "y"]])
    dataset = data.load(path)
    assert dataset.X_train.dtype == np.uint8
    assert dataset.X_train.tolist() == [[5, 100], [7, 255]]


@pytest.mark.parametrize(
    "text",
    [
        'a,b,label\n1,2,"x, y"\n3,4,z\n',
        "a,b,label\r\n1,2,x\r\n\r\n3,4,z\r\n\r\n",
        "\ufeffa,b,label\n1,2,x\n3,4,z",
        ' a , "b", label \n 1, 2 ,x\n3,4,z\n',
        'a,b,label\n1,2,"x\ny"\n3,4,z\n',
    ],
)
def test_quotes_line_ends_and_blanks_are_taken_as_anyone_would(path, text):
    path.write_bytes(text.encode())
    if '"b"' in text:
        text = text.replace(' "b"', "b")
        path.write_bytes(text.encode())
    dataset = data.load(path)
    np.testing.assert_array_equal(dataset.X_train, [[1, 2], [3, 4]])
    assert len(dataset.class_names) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n1,2\n", "is empty"),
        ("a,label\n", "a header but no rows"),
        ("1,2,3\n4,5,6\n", "starts with numbers"),
        ("a;label\n1;2\n", "no comma in its header"),
        ("a,a,label\n1,2,3\n", "two columns named 'a'"),
        ("label\nx\n", "no column other than 'label'"),
        ("a,label\n1,x\n,y\n", "line 3: column 'a' is empty; expected a number"),
        ("a,label\n1,x\n\n ,y\n", "line 4: column 'a' is empty"),
        ("a,label\n1,x\n2,\n", "line 3: column 'label' is empty; expected a label"),
        ("a,label\n1,x\ncat,y\n", "line 3: column 'a' holds 'cat'; expected a number"),
        ("a,label\n1,x\n1_000,y\n", "line 3: column 'a' holds '1_000'"),
        ("a,label\n1,x\n0x10,y\n", "line 3: column 'a' holds '0x10'"),
        ("a,label\n1,x\n١,y\n", "line 3: column 'a' holds"),
        ("a,label\n1,x\nnan,y\n", "line 3: column 'a' holds 'nan'; expected a finite number"),
        ("a,label\n1,x\n-Infinity,y\n", "line 3: column 'a' holds '-Infinity'; expected a finite"),
        ("a,label\n1,x\n1e999,y\n", "line 3: column 'a' holds '1e999'; expected a finite"),
        ("a,label\n1,x\n1,2,y\n", "line 3: it has 3 cells; expected 2"),
        ("a,b,label\n1,2,x\n1,y\n", "line 3: it has 2 cells; expected 3"),
        ('a,label\n1,x\n"2,y\n', "line 3: it is not CSV"),
        ('a,label\n1,"x\nx"\n2,y\nz,y\n', "line 5: column 'a' holds 'z'"),
        ("pixel0,label\n1,x\n256,y\n", "line 3: column 'pixel0' holds '256'; expected a pixel"),
        ("pixel0,label\n1,x\n-1,y\n", "line 3: column 'pixel0' holds '-1'; expected a pixel"),
        ("1x1,label\n1,x\n0.5,y\n", "line 3: column '1x1' holds '0.5'; expected a pixel"),
        ("a,label\n1,x\n2,x\n", "single class, 'x'"),
        ("a,label\n1,x\n\x00,y\n", "line 3: column 'a' holds"),
    ],
)
def test_a_faulty_table_is_refused_with_the_place_of_its_fault(path, text, words):
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words) as raised:
        data.load(path)
    assert str(path) in str(raised.value)


def test_other_encodings_are_refused(path):
    path.write_bytes("a,label\n1,größe\n".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8 text"):
        data.load(path)


@given(content=st.binary(max_size=60), header=st.sampled_from([b"", b"a,label\n", b'"a",label\n']))
def test_any_bytes_give_a_sentence_or_finite_numbers(tmp_path_factory, content, header):
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    path.write_bytes(header + content)
    with contextlib.suppress(DataError):
        assert np.isfinite(data.load_samples(path).X).all()


def test_many_columns_and_many_classes_take_seconds(path):
    names = [f"f{j}" for j in range(60_000)]
    rows = [["1"] * 60_000 + ["x"], ["2"] * 60_000 + ["y"]]
    write(path, [*names, "label"], rows)
    assert data.load(path).X_train.sum() == 180_000
    write(path, ["a", "label"], [[i, i] for i in range(60_000)])
    dataset = data.load(path)
    assert dataset.class_names[-1] == "59999"
    assert len(dataset.with_classes(dataset.class_names, "again").with_held_out_test().X_test) == 0


@pytest.mark.parametrize(
    "text",
    [
        "a,label\n1,x\n" + "7" * 200_000 + "x,y\n",
        "a,label\n1,x\n" + "9" * 100_000 + ",y\n",
        "pixel0,label\n1,x\n" + "9" * 100_000 + ",y\n",
        "pixel0,label\n1,x\n\x1b[31m" + "9" * 100_000 + ",y\n",
        ("n" * 100_000) + ",label\n1,x\n,y\n",
        ("n" * 100_000 + ",") * 2 + "label\n1,2,x\n",
        ",".join(f"{j}" + "n" * 20_000 for j in range(12)) + "\n1\n",
        "a,label\n1," + "x" * 200_000 + "\n2," + "x" * 200_000 + "\n",
        "n" * 200_000 + "\n",
        "a\x1b[31m,label\n1,x\n\x1b[31m,y\n",
        "a,label\n1,\x1b[31m\n1,\x1b[31m\n",
        "a," * 2_000_000 + "label\n",
    ],
)
def test_errors_quote_little_and_no_control_characters(path, text):
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as raised:
        data.load(path)
    assert len(str(raised.value)) < len(str(path)) + 900
    assert str(raised.value).isprintable()


@given(
    changes=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=4),
    packed=st.booleans(),
    features=st.sampled_from([None, ("b", "a"), ("pixel0",), ()]),
)
def test_any_damage_gives_a_sentence_or_finite_numbers(tmp_path_factory, changes, packed, features):
    content = 'a,b,pixel0,label\n1,2.5,3,x\r\n-4e1,5,6,"y, z"\n7,8,9,名\n'.encode()
    damaged = bytearray(gzip.compress(content, mtime=0) if packed else content)
    for place, byte in changes:
        damaged[place % len(damaged)] = byte
    path = tmp_path_factory.mktemp("csv") / ("table.csv.gz" if packed else "table.csv")
    path.write_bytes(damaged)
    with contextlib.suppress(DataError):
        assert np.isfinite(data.load_samples(path, features=features).X).all()
