from __future__ import annotations

import json

import pytest

from handgrad import Network, data
from handgrad.errors import DataError, ShapeError, WriteError
from handgrad.export import export_html, own_samples
from handgrad.model import Model
from texts import embedded_data


def payload_of(path):
    return json.loads(embedded_data(path.read_text(encoding="utf-8")))


def model_of(network, **known):
    names = tuple(map(str, range(network.K)))
    return Model(*network.parameters, **({"class_names": names} | known))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("width,height,label\n1,2,cat\n3,4,dog\n5,6,dog\n")
    return path


def test_a_page_holds_the_network_and_500_digits_in_less_than_a_megabyte(tmp_path):
    path = tmp_path / "digits.html"
    written = export_html(Network.initial(), path, data.load_samples("mnist-5k"))
    assert tuple(written) == (path.stat().st_size, 500)
    assert written.bytes < 1_000_000
    payload = payload_of(path)
    assert payload["samples"]["count"] == 500
    assert payload["model"]["image_shape"] == [28, 28]
    assert payload["live"] is False


def test_labels_are_matched_by_the_names_of_classes(tmp_path, table):
    network = model_of(
        Network.initial(features=2, hidden=3, classes=3), class_names=("bird", "dog", "cat")
    )
    export_html(network, tmp_path / "p.html", data.load_samples(table))
    payload = payload_of(tmp_path / "p.html")
    assert payload["samples"]["y"] == [2, 1, 1]
    assert payload["model"]["feature_names"] == ["width", "height"]


def test_a_class_that_the_network_does_not_know_is_refused(tmp_path, table):
    with pytest.raises(DataError, match="class 'cat'"):
        export_html(
            Network.initial(features=2, classes=2), tmp_path / "p.html", data.load_samples(table)
        )
    assert not (tmp_path / "p.html").exists()


def test_a_failed_write_leaves_the_old_page(tmp_path, monkeypatch):
    path = tmp_path / "p.html"
    path.write_text("old")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(WriteError):
        export_html(Network.initial(features=2), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("known", "source"),
    [({}, "mnist-5k"), ({"source": "mnist-5k"}, "mnist-5k"), ({"source": "gone.csv"}, None)],
)
def test_a_model_finds_its_own_samples(known, source):
    samples = own_samples(model_of(Network.initial(), training=known))
    assert (samples and samples.source) == source


def test_samples_of_another_size_or_class_are_not_its_own(table):
    model = model_of(Network.initial(features=2, classes=2), training={"source": str(table)})
    assert own_samples(model) is None
    model = model_of(
        Network.initial(features=3, classes=2),
        training={"source": str(table)},
        class_names=("cat", "dog"),
    )
    assert own_samples(model) is None


def test_a_network_that_the_page_does_not_show_is_refused_before_a_file_is_made(tmp_path):
    network = Network.initial(features=2, hidden=(3, 3), classes=2)
    with pytest.raises(ShapeError, match="The page shows networks with one hidden layer"):
        export_html(network, tmp_path / "p.html")
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_values_has_no_samples_for_the_page(table):
    network = Network.initial(features=2, classes=1, output="identity")
    model = Model.of(network, class_names=("label",), training={"source": str(table)})
    assert own_samples(model) is None
