"""The page's arithmetic against notes.py, in node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from handgrad import Network, data, notes
from handgrad.derivation.formulas import FORMULAS
from handgrad.glassbox.document import as_script_data
from handgrad.glassbox.payload import build_payload

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path("tests/glassbox/page_math.mjs")
PAGE = Path("src/handgrad/glassbox/page")
PARAMETERS = ("W1", "b1", "W2", "b2")
SHAPES = [  # m, D, H, K
    (1, 1, 1, 1),
    (2, 1, 1, 3),
    (1, 784, 10, 10),
    (5, 9, 4, 4),
    (7, 13, 1, 6),
    (6, 3, 8, 2),
    (64, 33, 64, 26),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Run one job of the page's modules, and return its result."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: it runs the page's arithmetic")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"type": "module"}')  # else node doubts what .js is
    shutil.copytree(ROOT / PAGE, folder / PAGE)
    (folder / SCRIPT).parent.mkdir(parents=True)
    shutil.copy(ROOT / SCRIPT, folder / SCRIPT)

    def page(job, **values):
        run = subprocess.run(
            [node, folder / SCRIPT],
            input=json.dumps({"job": job} | values, allow_nan=False),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    return page


def random_problem(m, D, H, K, *, logit_scale=1.0):
    random = np.random.default_rng([m, D, H, K])
    network = Network(
        random.normal(size=(H, D)) / np.sqrt(D),
        random.normal(size=(H, 1)) / 4,
        random.normal(size=(K, H)) * logit_scale,
        random.normal(size=(K, 1)),
    )
    X = random.normal(size=(m, D)) * (random.random((m, D)) < 0.7)
    return network, X, random.integers(K, size=m)


def off_units():
    """Units at exactly 0 before ReLU, and samples of zeros."""
    network, X, y = random_problem(5, 9, 4, 4)
    X[0] = 0
    b1 = network.b1.copy()
    b1[:2] = 0
    return Network(network.W1, b1, network.W2, network.b2), X, y


CASES = {str(shape): random_problem(*shape) for shape in SHAPES}
CASES["saturated logits"] = random_problem(6, 7, 5, 4, logit_scale=1e4)
CASES["units at exactly 0"] = off_units()


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def as_json(network, X, y=None):
    parameters = dict(zip(PARAMETERS, (p.tolist() for p in network.parameters), strict=True))
    return {
        "network": parameters,
        "X": np.asarray(X, float).tolist(),
        "y": None if y is None else np.asarray(y).tolist(),
    }


def assert_same(found, expected, name=""):
    """Compare to 1e-12 of the largest entry; the floor is what rounding leaves of 1 − 1."""
    expected = np.asarray(expected)
    assert np.shape(found) == expected.shape, name
    tolerance = 1e-12 * np.abs(expected).max() + 1e-15
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance, err_msg=name)


def test_every_matrix_of_every_step_equals_that_of_the_notes(page, case):
    network, X, y = case
    found = page("passes", **as_json(network, X, y), learningRate=0.5)
    activations = notes.forward(network, X)
    backward = notes.propagate(network, X, activations, notes.output_gradient(activations.A2, y))
    after = notes.descend(network, backward.gradient, 0.5)
    for name, value in (activations._asdict() | backward._asdict()).items():
        assert_same(found[name], value, name)
    for name, value in zip(PARAMETERS, after.parameters, strict=True):
        assert_same(found[f"{name} after"], value, name)
    assert_same(found["losses"], notes.losses(activations.Z2, y), "losses")
    assert_same(found["cost"], notes.cost(network, X, y), "cost")
    assert found["predictions"] == notes.predict(network, X).tolist()


def test_real_digits_go_the_same_way(page):
    dataset = data.load("mnist-5k")
    network = Network.initial(seed=3).astype("float64")
    X, y = network.rows(dataset.X_train[:40]), dataset.y_train[:40]
    found = page("passes", **as_json(network, X, y), learningRate=0.1)
    gradient = notes.backward(network, X, y, notes.forward(network, X))
    for name, value in gradient._asdict().items():
        assert_same(found[name], value, name)


def test_steps_hold_every_formula_in_the_order_of_the_notes(page):
    steps = page("shapes", m=1, D=784, H=10, K=10)
    assert len(steps) == 12
    assert [id_ for step in steps for id_ in step["ids"]] == ["X", *FORMULAS]
    assert steps[1]["shapes"] == "10×1 = (10×784)(784×1) + (10×1)"


def test_shapes_with_numbers_are_those_of_the_matrices(page):
    network, X, y = random_problem(2, 3, 5, 7)
    sizes = {"m": 2, "D": 3, "H": 5, "K": 7}
    found = page("passes", **as_json(network, X, y))
    for step in page("shapes", **sizes):
        for name, shape in zip(step["results"], step["shapes"].split(",  "), strict=False):
            if name in found and name != "losses" and not name.endswith("after"):
                rows, columns = np.shape(found[name])
                assert shape.startswith(f"{rows}×{columns}"), step
    assert not any(letter in shape for shape in step["shapes"] for letter in "mDHK")


MISTAKES = {
    "no-mask": {"W1", "b1"},
    "no-mean": set(PARAMETERS),
    "wrong-sign": set(PARAMETERS),
    "not-transposed": {"W1", "b1"},
    "plain-softmax": set(),
}


@pytest.mark.parametrize("mistakes", [[], *([id_] for id_ in MISTAKES), list(MISTAKES)], ids=str)
def test_the_sum_behind_each_entry_is_the_entry(page, mistakes):
    sums = page("sums", **as_json(*CASES["units at exactly 0"]), mistakes=mistakes)
    assert {"Z1", "A2", "dZ2", "dW1", "db1", "W1 after", "C"} < {found["name"] for found in sums}
    for found in sums:
        values = [term["value"] for term in found["terms"]]
        extra = found["extra"]["value"] if found["extra"] else 0
        assert found["total"] == pytest.approx(found["entry"], rel=1e-12, abs=1e-15), found
        assert found["text"].startswith(("loss", "C", found["name"].removesuffix(" after")))
        if found["kind"] == "softmax":
            own = next(term for term in found["terms"] if term["left"]["row"] == found["row"])
            assert sum(values) == pytest.approx(extra, rel=1e-12)
            assert own["value"] / extra == pytest.approx(found["entry"], rel=1e-12)
        else:
            assert sum(values) + extra == pytest.approx(found["entry"], rel=1e-12, abs=1e-15)
        assert [abs(v) for v in values] == sorted(map(abs, values), reverse=True)
        for term in found["terms"]:
            if term["right"]:
                product = term["left"]["value"] * term["right"]["value"]
                assert term["value"] == pytest.approx(product, rel=1e-14)


def test_outer_products_add_up_to_the_gradient(page, case):
    network, X, y = case
    found = page("outerProducts", **as_json(network, X, y))
    for name in ("dW2", "dW1"):
        assert len(found[name]) == len(X)
        assert_same(found[name][-1], found["products"][name])
    activations = notes.forward(network, X)
    dZ2 = notes.output_gradient(activations.A2, y)
    assert_same(found["dW2"][0], np.outer(dZ2[:, 0], activations.A1[:, 0]))


def test_right_gradients_pass_the_check(page, case):
    checks = page("check", **as_json(*case), mistakes=[])
    assert [check["parameter"] for check in checks] == list(PARAMETERS)
    assert all(check["passed"] for check in checks), checks


@pytest.mark.parametrize(("mistake", "wrong"), MISTAKES.items())
def test_each_mistake_fails_the_check_where_it_is(page, mistake, wrong):
    dataset = data.load("mnist-5k")
    network = Network.initial(seed=1).astype("float64")
    X, y = network.rows(dataset.X_train[::200]), dataset.y_train[::200]
    checks = page("check", **as_json(network, X, y), mistakes=[mistake])
    assert {check["parameter"] for check in checks if not check["passed"]} == wrong
    for check in checks:
        assert (check["error"] > 1e-2) == (check["parameter"] in wrong)


def test_a_single_digit_is_enough_to_find_a_missing_mask(page):
    dataset = data.load("mnist-5k")
    network = Network.initial(seed=1).astype("float64")
    problem = as_json(network, network.rows(dataset.X_train[:1]), dataset.y_train[:1])
    checks = page("check", **problem, mistakes=["no-mask"])
    assert [check["passed"] for check in checks] == [False, False, True, True]


def test_softmax_without_the_shift_breaks_on_large_logits_alone(page):
    network, X, y = random_problem(4, 3, 5, 3)
    large = Network(network.W1, network.b1, network.W2, network.b2 + 800)
    found = page("passes", **as_json(large, X, y), mistakes=["plain-softmax"])
    assert set(np.ravel(found["A2"])) == {"NaN"}
    assert found["cost"] == "NaN"
    assert set(np.ravel(found["dW2"])) == {"NaN"}
    checks = page("check", **as_json(large, X, y), mistakes=["plain-softmax"])
    assert not any(check["passed"] for check in checks)
    assert all(check["passed"] for check in page("check", **as_json(large, X, y), mistakes=[]))


def test_a_mistake_that_cannot_be_planted_says_why(page):
    square, _, _ = random_problem(1, 2, 3, 3)
    oblong, _, _ = random_problem(1, 2, 3, 4)
    problem = {"network": as_json(oblong, [[0.0]])["network"]}
    assert "W2 is 4×3" in page("possible", id="not-transposed", **problem)
    assert "batch" in page("possible", id="no-mean", m=1, **problem)
    assert page("possible", id="no-mean", m=2, **problem) is True
    problem = {"network": as_json(square, [[0.0]])["network"]}
    assert all(page("possible", id=id_, m=2, **problem) is True for id_ in MISTAKES)


def test_a_blank_sample_on_a_fresh_network_passes_the_check(page):
    """Every unit is at the corner of its ReLU, where only the slope to one side is 0."""
    network = Network.initial(features=9, hidden=4, classes=3).astype("float64")
    checks = page("check", **as_json(network, np.zeros((1, 9)), [1]), mistakes=[])
    assert all(check["passed"] for check in checks), checks


def test_products_keep_what_is_not_finite(page):
    zero_meets_large = page("products", A=[[0.0, 1e308]], B=[[0.0, 1.0], [0.0, 1e308]])
    assert zero_meets_large["multiply"] == [[0.0, "Infinity"]]
    assert zero_meets_large["transposed"] == [[0.0, "Infinity"]]


def test_descent_takes_the_steps_of_the_notes(page):
    network, X, y = CASES[str((6, 3, 8, 2))]
    reports = page("descend", **as_json(network, X, y), learningRate=0.3, steps=40)
    costs, accuracies = [], []
    for _ in range(41):
        costs.append(notes.cost(network, X, y))
        accuracies.append(np.mean(notes.predict(network, X) == y))
        last = network
        gradient = notes.backward(network, X, y, notes.forward(network, X))
        network = notes.descend(network, gradient, 0.3)
    told = [entry for report in reports for entry in report["costs"]]
    assert [entry[0] for entry in told] == list(range(41))
    np.testing.assert_allclose([entry[1] for entry in told], costs, rtol=1e-11)
    np.testing.assert_allclose([entry[2] for entry in told], accuracies)
    for name, value in zip(PARAMETERS, last.parameters, strict=True):
        np.testing.assert_allclose(reports[-1]["network"][name], value, rtol=1e-10, atol=1e-12)
    assert reports[-1]["iteration"] == 40
    assert not reports[-1]["running"]


def test_descent_stops_where_the_numbers_overflow(page):
    network, X, y = CASES[str((6, 3, 8, 2))]
    reports = page("descend", **as_json(network, X, y), learningRate=1e200, steps=1000)
    assert reports[-1]["diverged"]
    assert reports[-1]["iteration"] < 1000


@pytest.mark.parametrize("worker", ["none", "fails"])
def test_a_page_without_a_worker_trains_all_the_same(page, worker):
    network, X, y = CASES[str((6, 3, 8, 2))]
    calls = [["setLearningRate", 0.3], ["step", 3]]
    told = page("train", **as_json(network, X, y), worker=worker, calls=calls)
    costs = []
    for _ in range(4):
        costs.append(notes.cost(network, X, y))
        gradient = notes.backward(network, X, y, notes.forward(network, X))
        network = notes.descend(network, gradient, 0.3)
    np.testing.assert_allclose([entry[1] for entry in told], costs, rtol=1e-12)


@pytest.mark.parametrize("worker", ["none", "fails"])
def test_a_loaded_network_takes_the_place_of_the_first(page, worker):
    network, X, y = CASES[str((6, 3, 8, 2))]
    other = Network(-network.W1, network.b1, network.W2, network.b2)
    calls = [["run"], ["load", as_json(other, X)["network"], 2], ["step", 1]]
    told = page("train", **as_json(network, X, y), worker=worker, calls=calls)
    iteration, cost, _ = told[-2]
    assert iteration == 2
    assert cost == pytest.approx(notes.cost(other, X, y), rel=1e-12)
    assert told[-1][0] == 3


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_the_page_reads_what_python_wrote(page, dtype):
    random = np.random.default_rng(0)
    network = Network.initial(features=5, hidden=4, classes=3, dtype="float32")
    X = (random.random((6, 5)) * 255).astype(dtype)
    y = random.integers(3, size=6)
    names = [f"sample </script> é {i}" for i in range(6)]
    payload = build_payload(network, X, y, names=names, feature_names=list("abcde"))
    found = page("payload", text=as_script_data(payload), indices=[4, 0])
    np.testing.assert_array_equal(found["X"], network.astype("float64").rows(X)[[4, 0]])
    assert found["labels"] == y[[4, 0]].tolist()
    assert found["names"] == [names[4], names[0]]
    assert (found["D"], found["H"], found["K"], found["count"]) == (5, 4, 3, 6)
    assert found["featureNames"] == list("abcde")
    assert found["learningRate"] == 0.1
    for name, value in zip(PARAMETERS, network.parameters, strict=True):
        np.testing.assert_array_equal(found["network"][name], value)


def test_fresh_values_are_reproducible_and_of_the_size_of_he(page):
    one, again, other = (page("initial", D=400, H=50, K=10, seed=seed) for seed in (0, 0, 1))
    assert one == again
    assert one["W1"] != other["W1"]
    W1 = np.array(one["W1"])
    assert abs(W1.mean()) < 5 * W1.std() / np.sqrt(W1.size)
    assert W1.std() == pytest.approx(np.sqrt(2 / 400), rel=0.03)
    assert not np.any(one["b1"])


@pytest.fixture(scope="module")
def digits():
    return data.load("mnist-5k").X_test.reshape(-1, 28, 28) / 255


def centred(page, *drawings):
    found = page(
        "centred",
        drawings=[
            {
                "ink": ink.ravel().tolist(),
                "width": ink.shape[1],
                "height": ink.shape[0],
                "imageShape": [28, 28],
            }
            for ink in drawings
        ],
    )
    return np.array(found).reshape(-1, 28, 28)


def test_digits_of_mnist_stay_as_they_are(page, digits):
    """They were made so: what makes drawings like them must not change them."""
    chosen = [digit for digit in digits[::10] if max(box_of(digit)[2:]) == 20]
    np.testing.assert_allclose(centred(page, *chosen), chosen, atol=1e-12)


def test_a_drawing_elsewhere_in_another_size_becomes_the_same_digit(page, digits):
    drawings = []
    for digit in digits[::25]:
        paper = np.zeros((280, 300))
        paper[31 : 31 + 224, 57 : 57 + 224] = np.kron(digit, np.ones((8, 8)))
        drawings.append(paper)
    np.testing.assert_allclose(centred(page, *drawings), digits[::25], atol=1e-12)


@pytest.mark.parametrize("size", [(3, 40), (140, 17), (100, 100), (1, 1), (20, 20)])
def test_a_drawing_is_put_into_a_box_of_20_around_its_centre_of_mass(page, size):
    random = np.random.default_rng(size)
    paper = np.zeros((200, 180))
    paper[10 : 10 + size[0], 70 : 70 + size[1]] = random.uniform(0.5, 1, size)
    (picture,) = centred(page, paper)
    assert max(box_of(picture)[2:]) == 20
    places = np.arange(28)
    for axis in (0, 1):
        centre = (picture.sum(axis=1 - axis) * places).sum() / picture.sum()
        assert abs(centre - 14) <= 0.5 + 1e-9
    assert 0 <= picture.min() <= picture.max() <= 1


def test_an_empty_drawing_is_an_empty_picture(page):
    assert not centred(page, np.zeros((10, 12))).any()


def box_of(picture):
    rows, columns = np.flatnonzero(picture.any(1)), np.flatnonzero(picture.any(0))
    return rows[0], columns[0], rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
