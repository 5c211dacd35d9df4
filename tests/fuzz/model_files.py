"""Model files: the header as JSON, the description within it, and the arrays behind it."""

from __future__ import annotations

import json
import struct
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzz import mutations
from fuzz.scratch import scratch, written
from handgrad import MLPClassifier, MLPRegressor, Network, get_engine, load, save
from handgrad.errors import HandgradError
from handgrad.evaluation import evaluate
from handgrad.glassbox import Trace
from handgrad.jobs.predictions import predictions_csv
from handgrad.model import Model

if TYPE_CHECKING:
    from random import Random

    from fuzz.outcome import Case

NAME = "model"
LARGE_IS_ASKED = False
FLOATS = [float("nan"), float("inf"), -float("inf"), 1e308, -1e38, 1e-320, 0.0, -0.0, 1e30]
NUMERALS = [
    b"1e400",
    b"-1e400",
    b"1" * 400,
    b"1" * 5000,
    b"NaN",
    b"Infinity",
    b"-0",
    b"1E5",
    b"0.5",
]
NUMERALS += [b"[" * 5000 + b"]" * 5000, b'{"a":' * 3000 + b"1" + b"}" * 3000]


def draw(random: Random) -> Case:
    """Make a model file with damage in it."""
    return {"files": {"model.safetensors": damaged_model(random)}}


def run(case: Case) -> None:
    """Load the model; what loads can be used, and saved and loaded again."""
    model = load(written(case["files"]) / "model.safetensors")
    try:
        with np.errstate(all="ignore"):
            _use(model)
        _save_again(model)
    except HandgradError as error:
        if "overflow" in str(error):  # of weights that are finite, and as large as they can be
            return
        raise AssertionError(f"a model that loads and cannot be used: {error}") from error


def _save_again(model: Any) -> None:
    again = scratch() / "again.safetensors"
    save(model, again)
    first = again.read_bytes()
    save(load(again), again)
    assert again.read_bytes() == first, "a model that changes when it is saved again"


def damaged_model(random: Random) -> bytes:
    """Damage the file of a network, a model or a classifier."""
    content = random.choice(valid_models())
    how = random.random()
    if how < 0.1:
        return mutations.damage(random, content)
    header, data = _opened(content)
    if random.random() < 0.3:
        return closed(json.dumps(_described_otherwise(random, header)).encode(), data)
    if how < 0.65:
        description = json.loads(header["__metadata__"]["handgrad"])
        damaged = json.dumps(_damaged_description(random, description)).encode()
        if random.random() < 0.1:
            damaged = _with_odd_numeral(random, damaged)
        header["__metadata__"]["handgrad"] = damaged.decode()
    elif how < 0.75:
        data = _with_odd_numbers(random, header, data)
    elif how < 0.82:
        header, data = _with_other_json(random, header, data)
    else:
        header = mutations.damage_json(random, header, 2)
    encoded = json.dumps(header).encode()
    if how > 0.95:
        encoded = _with_odd_numeral(random, encoded)
    return closed(encoded, data)


def closed(header: bytes, data: bytes) -> bytes:
    """Write a safetensors file."""
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


@cache
def valid_models() -> list[bytes]:
    """Write one file of each kind of model."""
    path = scratch() / "valid.safetensors"
    files = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of runs that end after three epochs
        models = _models()
    for model in models:
        save(model, path)
        files.append(path.read_bytes())
    return files


def _models() -> list[Any]:
    small = Network.initial(features=4, hidden=3, classes=2, dtype=np.float64)
    pixels = Network.initial(features=4, hidden=3, classes=3)
    random = np.random.default_rng(0)
    X, y = random.random((12, 4)), np.arange(12) % 3
    classifiers = [
        MLPClassifier((2,), solver="sgd", max_iter=3, random_state=0).fit(X, y),
        MLPClassifier((2,), solver="adam", max_iter=3, random_state=0).fit(X, y % 2),
        MLPClassifier(
            (2,), solver="adam", max_iter=3, early_stopping=True, validation_fraction=0.5
        ).fit(X, np.array(["ant", "bee", "cow"])[y]),
        MLPClassifier((2,), solver="lbfgs", max_iter=3, class_weight={0: 2.0, 2: 1.0, 4: 1}).fit(
            X, y * 2.0
        ),
        MLPClassifier((2,), solver="gd", max_iter=3).fit(_frame(X), y == 1),
        MLPClassifier((3, 2), "tanh", max_iter=3).fit(X, np.eye(3, dtype=int)[y]),
        MLPClassifier((), max_iter=3).fit(X, y % 2),
        MLPRegressor(hidden_layer_sizes=(2,), early_stopping=True, max_iter=3).fit(X, X[:, :2]),
        MLPRegressor("poisson", (2, 3), "leaky_relu", solver="lbfgs", max_iter=3).fit(X, y),
    ]
    return [
        small,
        pixels,
        Model(
            *small.parameters, class_names=("cat", "dog"), training={"source": "pets.csv", "n": [1]}
        ),
        Model(
            *pixels.parameters,
            class_names=("0", "1", "2"),
            image_shape=(2, 2),
            scaling=1 / 255,
            training={"iterations": 3, "train_cost": 0.5, "engine": "native"},
        ),
        *_of_other_depths(),
        *classifiers,
    ]


def _of_other_depths() -> list[Network]:
    values = Network.initial(features=4, hidden=(), classes=2, output="identity")
    counts = Network.initial(features=4, hidden=2, classes=1, activation="tanh", output="exp")
    labels = Network.initial(
        features=4, hidden=(3, 1, 2), classes=2, activation="leaky_relu", output="logistic"
    )
    names = ("rain", "wind")
    return [values, Model.of(counts, class_names=("births",)), Model.of(labels, class_names=names)]


def _frame(X: np.ndarray) -> Any:
    import pandas as pd

    return pd.DataFrame(X, columns=["a", "b", "c", "d"])


def _opened(content: bytes) -> tuple[dict[str, Any], bytes]:
    (size,) = struct.unpack_from("<Q", content)
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def _damaged_description(random: Random, description: dict[str, Any]) -> Any:
    """Damage a part or two, or move one up or down."""
    if random.random() < 0.7:
        name = random.choice(list(description))
        inner = description[name]
        if isinstance(inner, dict) and inner:  # parameters, figures, training
            part = random.choice(list(inner))
            if random.random() < 0.2:
                inner.pop(part)
            else:
                inner[part] = mutations.damage_json(random, inner[part], 1)
        elif random.random() < 0.2:
            description.pop(name)
        else:
            description[name] = mutations.json_value(random)
        return description
    return mutations.damage_json(random, description)


def _described_otherwise(random: Random, header: dict[str, Any]) -> dict[str, Any]:
    """Change what may be anything: the order, the names, the settings and the figures."""
    description = json.loads(header["__metadata__"]["handgrad"])
    if "class_names" in description:
        place = random.randrange(len(description["class_names"]))
        description["class_names"][place] = mutations.text(random)
        description["training"][mutations.text(random)] = mutations.json_value(random)
    if "figures" in description:
        name = random.choice(list(description["figures"]))
        description["figures"][name] = random.choice((0, 1, 10**30, 0.5, -1.5, None, 10**400))
    header["__metadata__"]["handgrad"] = json.dumps(description)
    return dict(random.sample(list(header.items()), len(header)))


def _with_odd_numeral(random: Random, encoded: bytes) -> bytes:
    """Replace a number in the text of JSON, also by one that json.dumps would never write."""
    places = [at for at in range(1, len(encoded)) if encoded[at : at + 1].isdigit()]
    if not places:
        return encoded
    start = end = random.choice(places)
    while encoded[end : end + 1] and encoded[end : end + 1] in b"0123456789.e-":
        end += 1
    return encoded[:start] + random.choice(NUMERALS) + encoded[end:]


def _with_odd_numbers(random: Random, header: dict[str, Any], data: bytes) -> bytes:
    """Put NaN, infinity or large numbers into the arrays of numbers."""
    changed = bytearray(data)
    arrays = [entry for name, entry in header.items() if entry.get("dtype") in ("F32", "F64")]
    for _ in range(random.choice((1, 1, 3))):
        entry = random.choice(arrays)
        form, size = ("<f", 4) if entry["dtype"] == "F32" else ("<d", 8)
        start, end = entry["data_offsets"]
        if end > start:
            place = start + size * random.randrange((end - start) // size)
            value = random.choice(FLOATS)
            if size == 4 and abs(value) > 3e38 and np.isfinite(value):
                value = 3e38
            struct.pack_into(form, changed, place, value)
    return bytes(changed)


def _with_other_json(
    random: Random, header: dict[str, Any], data: bytes
) -> tuple[dict[str, Any], bytes]:
    """Replace the JSON that an array of bytes holds: classes, or names of features."""
    names = [name for name, entry in header.items() if entry.get("dtype") == "U8"]
    if not names:
        return mutations.damage_json(random, header), data
    name = random.choice(names)
    start, end = header[name]["data_offsets"]
    value = mutations.damage_json(random, json.loads(data[start:end]))
    content = json.dumps(value).encode()
    if random.random() < 0.2:
        content = _with_odd_numeral(random, content)
    if random.random() < 0.1:
        content = mutations.damage(random, content)
    changed = data[:start] + content + data[end:]
    grown = len(content) - (end - start)
    for other, entry in header.items():
        if other != "__metadata__":
            first, last = entry["data_offsets"]
            entry["data_offsets"] = [first + grown * (first >= end), last + grown * (last >= end)]
    header[name]["data_offsets"], header[name]["shape"] = (
        [start, start + len(content)],
        [len(content)],
    )
    return header, changed


def _use(model: Any) -> None:
    """Predict, evaluate and trace; nothing of it may fail."""
    repr(model)
    if isinstance(model, Network):
        network = model
    else:
        _use_estimator(model)
        network = model.network()
    shown = Model.of(model) if isinstance(model, Network) else _as_model(model)
    X, engine = np.ones((3, network.D)) / 2, get_engine(threads=1)
    outputs = engine.outputs(network, X)
    assert outputs.shape == (3, network.columns)
    y: Any = np.ones((3, network.K))
    if network.predicts == "classes":
        y = np.arange(3) % network.columns
    evaluate(network, X, y, engine=engine).to_dict()
    Trace(network, X[:1], y[:1]).to_json()
    if shown is not None:
        predictions_csv(shown, ("a", "b", "c"), outputs)
        if shown.image_shape is not None:
            X[0].reshape(shown.image_shape)


def _as_model(model: Any) -> Model | None:
    try:
        shown: Model = model.model()
    except HandgradError:  # of classes that the command line cannot tell apart
        return None
    return shown


def _use_estimator(model: Any) -> None:
    from sklearn.base import clone

    X = np.ones((3, model.n_features_in_)) / 2
    if hasattr(model, "feature_names_in_"):
        import pandas as pd

        X = pd.DataFrame(X, columns=list(model.feature_names_in_))
    predictions = model.predict(X)
    assert predictions.shape[0] == 3
    if hasattr(model, "classes_"):
        assert model.predict_proba(X).shape == (3, len(model.classes_))
    if np.isfinite(predictions).all() if predictions.dtype.kind == "f" else True:
        model.score(X, predictions)
    clone(model).get_params()
    assert len(model.loss_curve_) == len(model.history_.seconds)
