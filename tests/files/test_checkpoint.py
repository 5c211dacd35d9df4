"""Checkpoint files: they come back bit for bit, and damage of any kind is found."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes

from files.old_checkpoints import old_checkpoint
from handgrad import Network, get_engine, load, save
from handgrad.engines import Moments
from handgrad.errors import CheckpointError, ModelFileError, WriteError
from handgrad.files.checkpoint import Checkpoint, digest_of, load_checkpoint, save_checkpoint
from handgrad.layers import ACTIVATIONS, Layer
from handgrad.network import OUTPUTS
from handgrad.solvers import BatchMemory, Training, train

random = np.random.default_rng(2)
X, y = random.normal(size=(30, 4)), random.integers(3, size=30)
SOLVERS: dict[str, dict[str, Any]] = {
    "gd": {"iterations": 9},
    "sgd": {"epochs": 9, "momentum": 0.9, "batch_size": 7},
    "adam": {"epochs": 9, "alpha": np.float64(0.5), "batch_size": np.int64(7)},
    "lbfgs": {"iterations": 9},
}
NETWORKS: dict[str, tuple[dict[str, Any], Any]] = {  # with the targets
    "softmax": ({"hidden": 3, "classes": 3}, y),
    "logistic": ({"hidden": 3, "classes": 1, "output": "logistic"}, y % 2),
    "deep": ({"hidden": (5, 4), "classes": 3, "activation": "tanh"}, y),
    "no hidden": ({"hidden": (), "classes": 3}, y),
    "leaky": ({"hidden": 3, "classes": 3, "activation": "leaky_relu"}, y),
    "labels": ({"hidden": (3, 2), "classes": 2, "output": "logistic"}, np.stack([y > 0, y > 1], 1)),
    "values": ({"hidden": 3, "classes": 2, "output": "identity"}, X[:, :2]),
    "counts": ({"hidden": (2, 3, 2), "classes": 1, "output": "exp"}, y.astype(float)),
}


def checkpoint_of(solver, dtype="float32", taken=5, kind="softmax"):
    training = Training(solver, **SOLVERS[solver])
    options, labels = NETWORKS[kind]
    network = Network.initial(features=4, dtype=dtype, **options)
    shortened = training.settings | {training.unit: taken}
    state = train(network, X, labels, engine=get_engine(), **shortened).state
    return Checkpoint(
        state=state,
        training=training,
        job={"source": "caf\udce9.csv", "test": None, "label": "\x1b[31m"},
        fingerprint="30x4",
        computed_by={"engine": "native", "instruction_set": "avx2"},
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.checkpoint"


def same(one, other):
    for a, b in zip(one, other, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def assert_same(found, expected):
    one, other = found.state, expected.state
    same(one.network.parameters, other.network.parameters)
    assert repr(one.network) == repr(other.network)
    assert repr(one.best) == repr(other.best)
    same(one.best.parameters, other.best.parameters)
    same(one.history, other.history)
    for name in ("solver", "lowest", "figure", "waited", "iterations"):
        assert getattr(one, name) == getattr(other, name)
    np.testing.assert_equal(one.learning_rate, other.learning_rate)
    assert found.training == expected.training
    for name in ("job", "fingerprint", "computed_by"):
        assert getattr(found, name) == getattr(expected, name)
    assert (one.memory is None) == (other.memory is None)
    if other.memory is not None:
        assert one.memory.moments.steps == other.memory.moments.steps
        same(one.memory.moments.first, other.memory.moments.first)
        same(one.memory.moments.second, other.memory.moments.second)
        same([one.memory.order], [other.memory.order])
        draws = [state.memory.random_state().permutation(50) for state in (one, other)]
        np.testing.assert_array_equal(*draws)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_checkpoint_comes_back_bit_for_bit(path, solver, dtype, kind):
    expected = checkpoint_of(solver, dtype, kind=kind)
    save_checkpoint(expected, path)
    found = load_checkpoint(path)
    assert_same(found, expected)
    first = path.read_bytes()
    save_checkpoint(found, path)
    assert path.read_bytes() == first


@given(
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=6),
    activations=st.lists(st.sampled_from(ACTIVATIONS), min_size=5, max_size=5),
    output=st.sampled_from(OUTPUTS),
    dtype=st.sampled_from(["float32", "float64"]),
    steps=st.integers(0, 10**9),
    has_best=st.booleans(),
)
@settings(max_examples=40)
def test_any_network_and_its_moments_come_back(
    tmp_path_factory, sizes, activations, output, dtype, steps, has_best
):
    numbers, path = np.random.default_rng(steps), tmp_path_factory.mktemp("any") / "c"
    shapes = list(pairwise(sizes))
    names = [*activations[: len(shapes) - 1], "identity"]

    def drawn():
        layers = [
            Layer(
                numbers.normal(size=(h, d)).astype(dtype),
                numbers.normal(size=(h, 1)).astype(dtype),
                name,
            )
            for (d, h), name in zip(shapes, names, strict=True)
        ]
        return Network.of_layers(layers, output)

    network, best, first, second = (drawn() for _ in range(4))
    moments = Moments(steps, first.parameters, second.parameters)
    training = Training("adam", epochs=3)
    beginning = training.beginning(network)
    memory = BatchMemory(moments, np.arange(5), None)
    state = replace(beginning, best=best if has_best else None, memory=memory)
    save_checkpoint(
        Checkpoint(state=state, training=training, job={}, fingerprint="", computed_by={}), path
    )
    found: Any = load_checkpoint(path).state
    same(found.network.parameters, network.parameters)
    assert [layer.activation for layer in found.network.layers] == names
    assert found.network.output == output
    assert found.memory.moments.steps == steps
    same(found.memory.moments.first, first.parameters)
    same(found.memory.moments.second, second.parameters)
    assert (found.best is not None) == has_best
    if has_best:
        same(found.best.parameters, best.parameters)


@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_a_checkpoint_of_the_first_format_loads_and_stays_as_it_is(path, output):
    path.write_bytes(old_checkpoint(output))
    found = load_checkpoint(path)
    assert found.state.iterations == 2
    assert found.state.network.output == output
    assert found.state.network.activation == "relu"
    rows = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.25]]), [0, 1, 1]
    start = Network([[1.0, -2.0]], [[0.5]], [[0.25], [0.5]], [[0.0], [-1.0]])
    if output == "softmax":
        run: Any = {"engine": get_engine("reference"), "iterations": 5}
        whole, rest = train(start, *rows, **run), train(start, *rows, start=found.state, **run)
        np.testing.assert_allclose(rest.costs, whole.costs, rtol=1e-14)
        same(rest.network.parameters, whole.network.parameters)
    save_checkpoint(found, path)
    assert path.read_bytes() == old_checkpoint(output)


@pytest.mark.parametrize("solver", ["gd", "sgd"])
def test_the_beginning_of_a_run_is_a_checkpoint_too(path, solver):
    network = Network.initial(features=4, hidden=3, classes=3)
    training = Training(solver)
    beginning = training.beginning(network)
    whole = Checkpoint(state=beginning, training=training, job={}, fingerprint="", computed_by={})
    save_checkpoint(whole, path)
    found = load_checkpoint(path)
    assert found.state.iterations == 0
    assert (found.state.best, found.state.lowest, found.state.memory) == (None, np.inf, None)


@pytest.mark.parametrize("random_state", [None, "gauss"])
def test_any_random_state_comes_back(path, random_state):
    whole: Any = checkpoint_of("adam")
    source: Any
    state: Any = None
    if random_state:
        source = np.random.RandomState(3)
        source.normal()
        state = source.get_state(legacy=False)
    memory = BatchMemory(whole.state.memory.moments, whole.state.memory.order, state)
    object.__setattr__(whole.state, "memory", memory)
    save_checkpoint(whole, path)
    back: Any = load_checkpoint(path)
    found = back.state.memory.random_state()
    if state is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found.normal(size=3), source.normal(size=3))


def test_an_order_that_another_generator_draws_is_refused(path):
    whole = checkpoint_of("adam")
    other = np.random.RandomState(np.random.PCG64(1)).get_state(legacy=False)
    object.__setattr__(whole.state, "memory", whole.state.memory._replace(random=other))
    with pytest.raises(CheckpointError, match="PCG64"):
        save_checkpoint(whole, path)
    assert not path.exists()


@given(data=st.data(), solver=st.sampled_from(list(SOLVERS)))
def test_damage_to_any_byte_is_found(tmp_path_factory, data, solver):
    path = tmp_path_factory.mktemp("damaged") / "run.checkpoint"
    save_checkpoint(checkpoint_of(solver), path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    if bytes(content) == path.read_bytes():
        return
    expected = load_checkpoint(path)
    path.write_bytes(content)
    try:
        found = load_checkpoint(path)
    except CheckpointError:
        return
    assert_same(found, expected)  # another spelling of the same header


def rewritten(path, change, *, arrays=None):
    """Change the description or the arrays of a file as somebody who knows the digest would."""
    tensors = load_file(path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    description = json.loads(header["__metadata__"]["handgrad"])
    tensors |= arrays or {}
    tensors = {name: array for name, array in tensors.items() if array is not None}
    change(description)
    description.pop("digest")
    contents = {name: array.tobytes() for name, array in tensors.items()}
    description["digest"] = digest_of(description, contents)
    path.write_bytes(to_bytes(tensors, metadata={"handgrad": json.dumps(description)}))


def nothing(_description):
    pass


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("activations"),
        lambda d: d.update(activations="tanh"),
        lambda d: d.update(activations=["tanh"]),
        lambda d: d.update(activations=["tanh", "relu", "relu"]),
        lambda d: d.update(activations=["tanh", "sinus"]),
        lambda d: d.update(activations=[["tanh"], "tanh"]),
        lambda d: d.update(activations={"tanh": 1}),
        lambda d: d.update(format_version=1),
    ],
)
def test_activations_that_cannot_be_are_refused(path, change):
    save_checkpoint(checkpoint_of("adam", kind="deep"), path)
    rewritten(path, change)
    with pytest.raises(CheckpointError, match=str(path)):
        load_checkpoint(path)


MOMENTS = {
    f"{group}.{name}": None for group in ("first", "second") for name in ["W1", "b1", "W2", "b2"]
}


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(kind="recipe"),
        lambda d: d.update(kind=["model"]),
        lambda d: d.update(format_version="1"),
        lambda d: d.update(training={}),
        lambda d: d.update(training=[]),
        lambda d: d["training"].update(solver="gd"),
        lambda d: d["training"].update(epochs=4),
        lambda d: d["training"].update(epochs=10**400),
        lambda d: d["training"].update(batch_size=0),
        lambda d: d["training"].update(magic=1),
        lambda d: d.pop("job"),
        lambda d: d.update(job=[1]),
        lambda d: d.update(job={"source": 5}),
        lambda d: d.update(fingerprint=None),
        lambda d: d.update(computed_by=None),
        lambda d: d.update(computed_by={"engine": None}),
        lambda d: d.update(output="linear"),
        lambda d: d.update(output=["softmax"]),
        lambda d: d.update(learning_rate=None),
        lambda d: d.update(learning_rate=0),
        lambda d: d.update(learning_rate=True),
        lambda d: d.update(learning_rate=float("nan")),
        lambda d: d.update(learning_rate=10**400),
        lambda d: d.update(lowest="low"),
        lambda d: d.update(lowest=float("-inf")),
        lambda d: d.update(figure={}),
        lambda d: d.update(waited=-1),
        lambda d: d.update(waited=0.5),
        lambda d: d.update(memory=None),
        lambda d: d.update(memory=[]),
        lambda d: d["memory"].update(steps=-1),
        lambda d: d["memory"].update(steps=None),
        lambda d: d["memory"].update(steps="5"),
        lambda d: d["memory"].update(random=None),
        lambda d: d["memory"]["random"].update(pos=625),
        lambda d: d["memory"]["random"].update(pos=-1),
        lambda d: d["memory"]["random"].update(has_gauss=2),
        lambda d: d["memory"]["random"].update(gauss="x"),
    ],
)
def test_a_description_that_cannot_be_is_refused(path, change):
    save_checkpoint(checkpoint_of("adam"), path)
    rewritten(path, change)
    with pytest.raises(CheckpointError, match=str(path)):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "arrays",
    [
        {"W1": None},
        {"W1": np.zeros((3, 4), np.float64)},
        {"W1": np.full((3, 4), np.nan, np.float32)},
        {"W1": np.zeros((3, 5), np.float32)},
        {"best.W1": np.zeros((3, 5), np.float32)},
        {"best.W1": None},
        {"best.W1": np.full((3, 4), np.inf, np.float32)},
        {"first.W1": None},
        {"first.W1": np.zeros((4, 3), np.float32)},
        {"second.W1": np.zeros((3, 4), np.float64)},
        {"first.W3": np.zeros((3, 4), np.float32)},
        MOMENTS,
        {"costs": None},
        {"costs": np.zeros(4)},
        {"costs": np.zeros(5, np.float32)},
        {"costs": np.zeros((5, 1))},
        {"seconds": np.full(5, np.nan)},
        {"seconds": np.full(5, -1.0)},
        {name: np.zeros(10) for name in ("costs", "accuracies", "seconds")},
        {"order": np.zeros(30)},
        {"random": None},
        {"random": np.zeros(5, np.uint32)},
        {"spare": np.zeros(5)},
    ],
)
def test_arrays_that_cannot_be_are_refused(path, arrays):
    save_checkpoint(checkpoint_of("adam"), path)
    rewritten(path, nothing, arrays=arrays)
    with pytest.raises(CheckpointError, match=str(path)):
        load_checkpoint(path)


def test_a_solver_without_batches_has_no_memory_and_lbfgs_no_rate(path):
    save_checkpoint(checkpoint_of("gd"), path)
    rewritten(path, lambda d: d.update(memory={"steps": None, "random": None}))
    with pytest.raises(CheckpointError, match="gd has a memory"):
        load_checkpoint(path)
    save_checkpoint(checkpoint_of("lbfgs"), path)
    rewritten(path, lambda d: d.update(learning_rate=0.5))
    with pytest.raises(CheckpointError, match="lbfgs has a learning rate"):
        load_checkpoint(path)


def test_a_model_is_no_checkpoint_and_a_checkpoint_no_model(path):
    save(Network.initial(features=4, hidden=3, classes=3), path)
    with pytest.raises(CheckpointError, match="is a network; expected a checkpoint"):
        load_checkpoint(path)
    save_checkpoint(checkpoint_of("gd"), path)
    with pytest.raises(ModelFileError, match="is a checkpoint; expected a model"):
        load(path)


def test_a_newer_format_and_texts_that_are_too_long_are_told(path):
    save_checkpoint(checkpoint_of("gd"), path)
    rewritten(path, lambda d: d.update(format_version=3))
    with pytest.raises(CheckpointError, match="upgrade handgrad"):
        load_checkpoint(path)
    whole = checkpoint_of("gd")
    object.__setattr__(whole, "job", {"source": "x" * 70_000})
    with pytest.raises(CheckpointError, match="shorter names"):
        save_checkpoint(whole, path)


def test_a_failed_write_leaves_the_last_checkpoint(path, monkeypatch):
    expected = checkpoint_of("sgd", taken=3)
    save_checkpoint(expected, path)

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WriteError, match="No space left"):
        save_checkpoint(checkpoint_of("sgd"), path)
    assert_same(load_checkpoint(path), expected)
    assert list(path.parent.iterdir()) == [path]
