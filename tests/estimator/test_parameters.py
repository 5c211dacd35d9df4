"""What a parameter of the classifier may not be."""

from __future__ import annotations

import pytest

from handgrad import MLPClassifier
from labelled import digits_8x8


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"activation": "softplus"}, "activation"),
        ({"hidden_layer_sizes": [(10, 10)]}, "expected whole numbers above 0"),
        ({"hidden_layer_sizes": (10, 0)}, r"hidden_layer_sizes must be > 0, got \[10, 0\]"),
        ({"hidden_layer_sizes": (10, True)}, "expected whole numbers above 0"),
        ({"hidden_layer_sizes": (5.5,)}, "expected whole numbers above 0"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes must be > 0"),
        ({"hidden_layer_sizes": 0}, "hidden_layer_sizes"),
        ({"solver": "newton"}, "solver"),
        ({"early_stopping": True, "validation_fraction": 0.0005}, "validation set is too small"),
        ({"class_weight": {10: 2.0}}, "not in class_weight"),
        ({"class_weight": "equal"}, "class_weight"),
        ({"verbose": "loud"}, "verbose"),
        ({"engine": "gpu"}, "engine"),
        ({"n_threads": 0}, "n_threads"),
        ({"on_iteration": 3}, "on_iteration"),
    ],
    ids=str,
)
def test_what_the_network_cannot_do_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        MLPClassifier(**options).fit(*digits_8x8())
