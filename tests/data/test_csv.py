from __future__ import annotations

import contextlib
import csv
import gzip
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from handgrad import data
from handgrad.data import lines
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
    if not any(label.strip("+-.0123456789") == "" for label in labels):
        assert [samples.class_names[k] for k in samples.y] == labels


@pytest.mark.parametrize("name", ["kaggle.csv", "kaggle.csv.gz"])
def test_kaggles_digits_are_pixels_in_a_square(tmp_path, name):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 784), dtype=np.uint8)
    labels = np.arange(50) % 10
    lines = ["label," + ",".join(f"pixel{j}" for j in range(784))]
    lines += [",".join(map(str, [k, *row])) for k, row in zip(labels, pixels.tolist(), strict=True)]
    content = "\r\n".join(lines).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    dataset = data.load(path)
    assert dataset.X_train.dtype == np.uint8
    np.testing.assert_array_equal(dataset.X_train, pixels)
    np.testing.assert_array_equal(dataset.y_train, labels)
    assert dataset.image_shape == (28, 28)
    assert dataset.X_test.shape == (0, 784)


def test_pixels_may_be_written_like_any_whole_number(path):
    write(path, ["pixel0", "pixel1", "label"], [["5.0", "1e2", "x"], [" 7", "255", "y"]])
    dataset = data.load(path)
    assert dataset.X_train.dtype == np.uint8
    assert dataset.X_train.tolist() == [[5, 100], [7, 255]]


def test_a_table_longer_than_a_block_is_read_whole(path, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", 60)
    rows = [[i, i / 4, "ab"[i % 2]] for i in range(100)]
    write(path, ["one", "two", "label"], rows)
    dataset = data.load(path)
    np.testing.assert_array_equal(dataset.X_train, [row[:2] for row in rows])
    rows[77][1] = "x"
    write(path, ["one", "two", "label"], rows)
    with pytest.raises(DataError, match="line 79: column 'two' holds 'x'"):
        data.load(path)


def test_without_a_label_column_the_samples_have_no_labels(path):
    write(path, ["a", "b"], [[1, 2], [3, 4]])
    samples = data.load_samples(path)
    assert samples.y is None
    np.testing.assert_array_equal(samples.X, [[1, 2], [3, 4]])
    with pytest.raises(DataError, match=r"no column 'label' among its columns \('a', 'b'\)"):
        data.load(path)


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


def test_a_line_without_end_is_refused(path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    path.write_text("a,label\n" + "1" * 5000)
    with pytest.raises(DataError, match="a line of more than 1,000 bytes"):
        data.load(path)


@given(content=st.binary(max_size=60), header=st.sampled_from([b"", b"a,label\n", b'"a",label\n']))
def test_any_bytes_give_a_sentence_or_finite_numbers(tmp_path_factory, content, header):
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    path.write_bytes(header + content)
    with contextlib.suppress(DataError):
        assert np.isfinite(data.load_samples(path).X).all()


def test_features_keep_the_names_of_their_columns(path):
    write(path, ["width", "label", "a b"], [[1, "x", 2], [3, "y", 4]])
    assert data.load(path).feature_names == ("width", "a b")
    assert data.load_samples(path).feature_names == ("width", "a b")


@pytest.mark.parametrize(
    ("names", "order", "shape"),
    [
        (["pixel1", "pixel0", "pixel3", "pixel2"], [1, 0, 3, 2], (2, 2)),
        (["pixel1", "pixel10", "pixel2"] + [f"pixel{i}" for i in range(3, 10)], None, None),
        (["1x2", "2x1", "1x1", "2x2", "1x3", "2x3"], [2, 0, 4, 1, 3, 5], (2, 3)),
        (["PIXEL0"], [0], (1, 1)),
        (["pixel5", "pixel9", "pixel12", "pixel11"], [0, 1, 2, 3], None),
        (["1x1", "1x2", "2x1", "2x3"], [0, 1, 2, 3], None),
        (["pixel0", "1x1"], [0, 1], None),
        (["pixel00", "pixel0"], [0, 1], None),
    ],
    ids=str,
)
def test_pixels_are_put_in_raster_order_where_they_fill_a_picture(tmp_path, names, order, shape):
    if order is None:  # ten pixels are no square, but have an order
        order = [0, 2, *range(3, 10), 1]
    path = tmp_path / "digits.csv"
    write(path, [*names, "label"], [[*range(len(names)), "x"], [*range(len(names)), "y"]])
    dataset = data.load(path)
    assert dataset.image_shape == shape
    assert dataset.X_train[0].tolist() == order
    assert dataset.feature_names == tuple(names[column] for column in order)
    again = data.load_samples(path, features=names)
    assert again.X[0].tolist() == list(range(len(names)))
    assert again.image_shape == (shape if order == sorted(order) else None)


def test_blanks_around_names_do_not_count(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("u, v, label\n1,2,a\n3,4,b\n")
    assert data.load_samples(path, features=(" v", "u")).X.tolist() == [[2, 1], [4, 3]]


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


def test_labels_and_names_of_columns_may_be_in_any_language(path):
    text = "größe,幅,label\n1,2,Größe\n3,4,名\n5,6,\U0001f600\n"
    path.write_text(text, encoding="utf-8")
    dataset = data.load(path)
    assert dataset.feature_names == ("größe", "幅")
    assert dataset.class_names == ("Größe", "名", "\U0001f600")
    np.testing.assert_array_equal(dataset.X_train, [[1, 2], [3, 4], [5, 6]])


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
    for name, quoting in (("plain", csv.QUOTE_NONE), ("quoted", csv.QUOTE_ALL)):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=quoting, lineterminator=end)
            writer.writerow([f"f{j}" for j in range(table.shape[1])] + ["label"])
            file.write(blank)
            writer.writerows(rows)
        samples.append(data.load_samples(folder / f"{name}.csv"))
    plain, quoted = samples
    np.testing.assert_array_equal(plain.X, table)
    np.testing.assert_array_equal(quoted.X, table)
    assert plain.class_names == quoted.class_names
    np.testing.assert_array_equal(plain.y, quoted.y)


@pytest.mark.parametrize("quote", ["", '"'])
def test_the_line_of_a_fault_is_counted_through_blank_lines_and_blocks(path, monkeypatch, quote):
    monkeypatch.setattr(lines, "BLOCK", 16)
    rows = [f"{quote}{i}{quote},ab" for i in range(20)]
    rows[11] = f"{quote}cat{quote},ab"
    for end in ("\n", "\r\n", "\r"):
        path.write_text("a,label" + end + (3 * end).join(rows), newline="")
        with pytest.raises(DataError, match="line 35: column 'a' holds 'cat'"):
            data.load(path)


def test_many_columns_and_many_classes_take_seconds(path):
    names = [f"f{j}" for j in range(60_000)]
    rows = [["1"] * 60_000 + ["x"], ["2"] * 60_000 + ["y"]]
    write(path, [*names, "label"], rows)
    assert data.load(path).X_train.sum() == 180_000
    write(path, ["a", "label"], [[i, i] for i in range(60_000)])
    dataset = data.load(path)
    assert dataset.class_names[-1] == "59999"
    assert len(dataset.with_classes(dataset.class_names, "again").with_held_out_test().X_test) == 0


def peak_of(function) -> int:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_blank_lines_without_end_are_skipped_or_refused(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"a,label\n" + b"\n" * 30_000_000 + b"1,x\n2,y\n"))
    with pytest.raises(DataError, match="unpacks to more than 256 times its size"):
        data.load(path)
    plain = tmp_path / "table.csv"
    plain.write_bytes(b"a,label\n" + b"\n" * 20_000_000 + b"1,x\n2,y\n")
    assert peak_of(lambda: data.load(plain)) < 80_000_000


def test_a_table_of_few_numbers_among_zeros_is_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "SMALL", 0)
    random = np.random.default_rng(0)
    table = random.integers(1, 9, (100, 20_000)) * (random.random((100, 20_000)) < 0.005) / 2
    names = [f"f{j}" for j in range(20_000)]
    rows = (",".join(map(str, row)) for row in [names, *table.tolist()])
    path = tmp_path / "table.csv.gz"
    content = "\n".join(rows).encode()
    path.write_bytes(gzip.compress(content))
    assert len(content) > 100 * path.stat().st_size
    np.testing.assert_array_equal(data.load_samples(path).X, table)


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("a,label", "1,ab"),
        ("pixel0,label", "1,ab"),
        ("a,label", '"1",ab'),
        ("label,a", "7,1"),
        ("label," + ",".join(f"f{j}" for j in range(10)), "x" + ",1" * 10),
    ],
)
def test_memory_follows_what_is_parsed(tmp_path, monkeypatch, header, line):
    monkeypatch.setattr(lines, "BLOCK", 1 << 15)
    path = tmp_path / "table.csv"
    path.write_text(header + "\n" + (line + "\n") * (500_000 // len(line)))
    rows = 500_000 // len(line)
    parsed = rows * (100 + 8 * header.count(","))  # of names, labels and features
    assert peak_of(lambda: data.load_samples(path)) < 2_000_000 + parsed


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


def test_the_columns_of_a_model_are_read_by_name_in_its_order(path):
    write(
        path,
        ["id", "pixel1", "label", "pixel0", "note"],
        [["A7", 1, "x", 0, ""], ["B8", 3, "y", 2, "f\u00fcnf"], ["C9", 5, "x", 4, "\x00"]],
    )
    samples = data.load_samples(path, features=("pixel0", "pixel1"))
    assert samples.X.dtype == np.uint8
    assert samples.X.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert samples.feature_names == ("pixel0", "pixel1")
    assert [samples.class_names[k] for k in samples.y] == ["x", "y", "x"]
    assert samples.image_shape is None
    one = data.load_samples(path, features=("pixel1",), label="nothing")
    assert (one.X.tolist(), one.y) == ([[1], [3], [5]], None)
    assert one.image_shape == (1, 1)


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_column_that_the_model_takes_as_a_feature_is_not_its_label(path, quoting):
    with path.open("w", newline="") as file:
        csv.writer(file, quoting=quoting).writerows([["b", "label", "a"], [1, 2, 3], [4, 5, 6]])
    samples = data.load_samples(path, features=["label", "a"])
    np.testing.assert_array_equal(samples.X, [[2, 3], [5, 6]])
    assert samples.y is None
    again = data.load_samples(path, features=["a", "b"])
    np.testing.assert_array_equal(again.X, [[3, 1], [6, 4]])
    assert again.class_names == ("2", "5")


def test_columns_that_a_model_misses_are_named_and_counted(path):
    write(path, ["a", "b", "label"], [[1, 2, "x"]])
    with pytest.raises(
        DataError, match=r"lacks 4 of the 5 columns .*\('c', 'd', 'e', …\); expected all of them"
    ):
        data.load_samples(path, features=tuple("acdef"))
    with pytest.raises(DataError, match=r"lacks 1 of the 2 columns .*\('c'\); expected"):
        data.load_samples(path, features=("a", "c"))


def test_columns_that_are_ignored_may_have_one_name(path):
    write(path, ["", "a", "", "label"], [["?", 1, "!", "x"], ["?", 2, "!", "y"]])
    assert data.load_samples(path, features=("a",)).X.tolist() == [[1], [2]]
    with pytest.raises(DataError, match="two columns named ''"):
        data.load_samples(path)


@given(
    changes=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=4),
    packed=st.booleans(),
    features=st.sampled_from([None, ("b", "a"), ("pixel0",), ()]),
)
def test_any_damage_gives_a_sentence_or_finite_numbers(tmp_path_factory, changes, packed, features):
    content = 'a,b,pixel0,label\n1,2.5,3,x\r\n-4e1,5,6,"y, z"\n7,8,9,名\n'.encode()
    content = bytearray(gzip.compress(content, mtime=0) if packed else content)
    for place, byte in changes:
        content[place % len(content)] = byte
    path = tmp_path_factory.mktemp("csv") / ("table.csv.gz" if packed else "table.csv")
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        assert np.isfinite(data.load_samples(path, features=features).X).all()
