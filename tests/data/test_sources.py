from __future__ import annotations

import gzip
import os

import pytest

from handgrad import data
from handgrad.errors import DataError


@pytest.mark.parametrize("function", [data.load, data.load_samples])
def test_what_does_not_exist_is_refused_with_all_that_does(function):
    with pytest.raises(
        DataError, match=r"none\.csv does not exist; expected mnist-5k, mnist, digits"
    ):
        function("none.csv")


@pytest.mark.parametrize("function", [data.load, data.load_samples])
@pytest.mark.parametrize("name", ["notes.txt", "model.safetensors", "noending"])
def test_files_of_other_kinds_are_refused(tmp_path, function, name):
    path = tmp_path / name
    path.write_bytes(b"anything")
    with pytest.raises(DataError, match="is not a source of labelled samples; expected"):
        function(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
@pytest.mark.parametrize("name", ["a.csv", "a.npz", "a.npy", "a.png", "a.csv.gz"])
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path, name):
    path = tmp_path / name
    os.mkfifo(path)
    with pytest.raises(DataError, match="not a regular file"):
        data.load_samples(path)


@pytest.mark.parametrize("function", [data.load, data.load_samples])
@pytest.mark.parametrize(
    "source",
    ["x" * 200_000, "x" * 200_000 + ".csv", "a/" * 100_000, "\x1b[31m.csv", "\0.csv", "\ud800.csv"],
)
def test_names_of_sources_are_quoted_in_short_and_escaped(function, source):
    with pytest.raises(DataError, match=r"does not exist|cannot be read") as raised:
        function(source)
    assert len(str(raised.value)) < 600
    assert str(raised.value).isprintable()


def test_endings_may_be_written_in_any_case(tmp_path):
    path = tmp_path / "TABLE.CSV.GZ"
    path.write_bytes(gzip.compress(b"u,label\n1,a\n2,b\n"))
    assert data.load(path).X_train.tolist() == [[1], [2]]
