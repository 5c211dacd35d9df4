from __future__ import annotations

import json

import numpy as np
import pytest

from handgrad import Network, data, save
from handgrad.errors import DataError, WriteError
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


class TestCommand:
    @pytest.fixture
    def model(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        save(model_of(Network.initial(), image_shape=(28, 28)), "model.safetensors")
        return "model.safetensors"

    @pytest.fixture
    def run(self, capsys):
        from handgrad.__main__ import main

        def run(*arguments):
            with pytest.raises(SystemExit) as exit_:
                main(["export", *map(str, arguments)])
            return (exit_.value.code or 0, *capsys.readouterr())

        return run

    def test_it_takes_the_models_own_samples(self, run, model, tmp_path):
        status, out, _ = run(model, "--format", "html", "--out", "digits.html")
        assert status == 0
        assert "digits.html" in out
        assert payload_of(tmp_path / "digits.html")["samples"]["count"] == 500

    def test_it_writes_beside_the_model_and_takes_so_many_samples(self, run, model, tmp_path):
        status, out, _ = run(model, "mnist-5k", "--samples", 20, "--json")
        assert status == 0
        told = json.loads(out)
        assert told["file"] == "model.html"
        assert told["samples"] == 20
        assert told["bytes"] == (tmp_path / "model.html").stat().st_size
        assert np.bincount(payload_of(tmp_path / "model.html")["samples"]["y"]).tolist() == [2] * 10

    def test_it_can_leave_samples_out(self, run, model, tmp_path):
        assert run(model, "--samples", 0)[0] == 0
        assert payload_of(tmp_path / "model.html")["samples"]["count"] == 0

    def test_without_samples_it_says_so_and_works(self, run, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        save(Network.initial(features=3, hidden=2, classes=2), "small.safetensors")
        status, _, err = run("small.safetensors")
        assert status == 0
        assert "drawings" in err
        assert (tmp_path / "small.html").is_file()

    @pytest.mark.parametrize(
        ("arguments", "status", "sentence"),
        [
            (["model.safetensors", "gone.csv"], 1, "gone.csv does not exist"),
            (["gone.safetensors"], 1, "gone.safetensors does not exist"),
            (["model.safetensors", "--out", "no/where.html"], 1, "no/where.html"),
            (["model.safetensors", "--format", "pdf"], 2, "pdf"),
            (["model.safetensors", "--samples", "501"], 2, "500"),
        ],
    )
    def test_what_it_cannot_do_is_one_sentence(self, run, model, arguments, status, sentence):
        del model
        found, _, err = run(*arguments)
        assert found == status
        assert sentence in err
        assert "Traceback" not in err

    def test_a_network_too_large_for_the_page_is_refused(self, run, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        save(Network.initial(hidden=100), "large.safetensors")
        status, _, err = run("large.safetensors")
        assert status == 1
        assert "100 hidden units" in err
        assert not (tmp_path / "large.html").exists()
