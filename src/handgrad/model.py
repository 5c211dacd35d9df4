"""A trained network with the meaning of its inputs and outputs."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from handgrad.errors import ShapeError
from handgrad.network import Network
from handgrad.quoting import shown
from handgrad.rows import PIXEL_SCALE, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from handgrad.layers import Activation
    from handgrad.network import Output


class HoldsModel(Protocol):
    """An object that returns its trained network as a model, such as an `MLPClassifier`."""

    def model(self) -> Model:
        """Return the trained network."""


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Model(Network):
    """A network with the names of its classes, the scale of its inputs, and how it was trained.

    Parameters
    ----------
    W1, b1, W2, b2 : arrays
        As in `handgrad.Network`; `Model.of` takes networks of any depth.
    class_names : tuple of str
        One name per class, label or value, in the order of the network's outputs.
    image_shape : (int, int), optional
        Rows and columns of a sample that is a picture.
    scaling : float
        The factor of all numbers of a sample before training: 1/255 for pixels.
    pixels : bool
        Whether ``uint8`` rows are pixels, scaled by 1/255; otherwise bytes are ordinary numbers.
    feature_names : tuple of str, optional
        The names of the D features, if the training data had names.
    label : str, optional
        The name of the label column of the training data.
    training : mapping
        The settings and the results of the training run.

    Raises
    ------
    ShapeError
        If the names, the image shape or the scaling do not fit the network.

    Examples
    --------
    >>> network = Network.initial(features=4, hidden=3, classes=2)
    >>> Model(*network.parameters, class_names=("cat", "dog"), image_shape=(2, 2))
    Model(4 features, 3 hidden units, 2 classes, float32)
    """

    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    scaling: float
    training: Mapping[str, Any]
    pixels: bool
    feature_names: tuple[str, ...] | None
    label: str | None

    def __init__(
        self,
        W1: npt.ArrayLike,
        b1: npt.ArrayLike,
        W2: npt.ArrayLike,
        b2: npt.ArrayLike,
        *,
        activation: Activation = "relu",
        output: Output = "softmax",
        class_names: tuple[str, ...],
        image_shape: tuple[int, int] | None = None,
        scaling: float = 1.0,
        training: Mapping[str, Any] | None = None,
        pixels: bool = True,
        feature_names: tuple[str, ...] | None = None,
        label: str | None = None,
    ) -> None:
        super().__init__(W1, b1, W2, b2, activation=activation, output=output)
        self._describe(
            class_names=class_names,
            image_shape=image_shape,
            scaling=scaling,
            training=training,
            pixels=pixels,
            feature_names=feature_names,
            label=label,
        )

    def _describe(
        self,
        *,
        class_names: tuple[str, ...],
        image_shape: tuple[int, int] | None = None,
        scaling: float = 1.0,
        training: Mapping[str, Any] | None = None,
        pixels: bool = True,
        feature_names: tuple[str, ...] | None = None,
        label: str | None = None,
    ) -> None:
        """Set and check the fields that a network does not have."""
        self._set(
            class_names=class_names,
            image_shape=image_shape,
            scaling=scaling,
            training=training or {},
            pixels=pixels,
            feature_names=feature_names,
            label=label,
        )
        self._check()

    def _check(self) -> None:
        each = {"classes": "class", "labels": "label", "values": "value"}[self.predicts]
        self._check_names("class_names", self.class_names, self.columns, f"one per {each}")
        if self.feature_names is not None:
            self._check_names("feature_names", self.feature_names, self.D, "one per feature")
        if self.image_shape is not None and not _is_shape(self.image_shape, self.D):
            raise ShapeError(
                f"image_shape is {shown(self.image_shape)}; "
                f"expected rows x columns = {self.D} features."
            )
        if not (_is_finite(self.scaling) and self.scaling > 0):
            raise ShapeError(f"scaling is {shown(self.scaling)}; expected a number above 0.")
        if not isinstance(self.pixels, bool):
            raise ShapeError(f"pixels is {shown(self.pixels)}; expected True or False.")
        if not isinstance(self.label, str | None):
            raise ShapeError(f"label is {shown(self.label)}; expected the name of a column.")

    def _check_names(self, what: str, names: tuple[str, ...], expected: int, each: str) -> None:
        if len(names) != expected:
            raise ShapeError(f"{what} holds {len(names)} names; expected {expected}, {each}.")
        if not all(isinstance(name, str) for name in names):
            raise ShapeError(f"{what} holds a name that is not text; expected str.")
        if len(set(names)) != expected:
            raise ShapeError(f"{what} holds a name twice; expected different names.")

    def with_training(self, training: Mapping[str, Any]) -> Self:
        """Return the same model with other settings of its training run.

        Examples
        --------
        >>> network = Network.initial(features=4, hidden=3, classes=2)
        >>> Model.of(network).with_training({"seed": 0}).training
        {'seed': 0}
        """
        return self._changed(training=training)

    @classmethod
    def of(cls, model: Network | HoldsModel, **fields: Any) -> Model:
        """Return a network of any depth as a model; an estimator gives its own.

        Parameters
        ----------
        model : Network, Model or estimator
        **fields
            The other parameters of a `Model`, such as ``class_names``. Without any, a model is
            returned unchanged, and the outputs of a network are named by numbers.

        Examples
        --------
        >>> network = Network.initial(features=4, hidden=(3, 2), classes=2)
        >>> Model.of(network).class_names
        ('0', '1')
        >>> Model.of(network, class_names=("cat", "dog"), image_shape=(2, 2)).class_names
        ('cat', 'dog')
        """
        if not isinstance(model, Network):
            model = model.model()
        if isinstance(model, Model) and not fields:
            return model
        described: Model = object.__new__(cls)
        described._set(layers=model.layers, output=model.output)
        known = vars(model) if isinstance(model, Model) else {}
        known = {name: value for name, value in known.items() if name not in vars(described)}
        names = {"class_names": tuple(map(str, range(model.columns)))}
        described._describe(**names | known | fields)
        return described

    @property
    def byte_scale(self) -> float:
        """The factor of ``uint8`` numbers: 1/255 for pixels, otherwise 1."""
        return PIXEL_SCALE if self.pixels else 1.0

    @property
    def largest_value(self) -> float:
        """The largest number that a sample may hold: 1 if the model was trained on pixels."""
        return 1.0 if self.scaling == PIXEL_SCALE else math.inf

    def check_rows(self, X: npt.ArrayLike) -> Any:
        """Return X as `Network.check_rows` does, but refuse pixels that are not scaled.

        Raises
        ------
        ShapeError
            If the model was trained on pixels and X holds floating numbers above 1.
        """
        rows = super().check_rows(X)
        values = values_of(rows)
        if values.dtype != np.uint8 and values.size and values.max() > self.largest_value:
            raise ShapeError(
                f"X holds numbers up to {values.max():g}, but the model was trained on pixels; "
                "expected uint8 from 0 to 255, or numbers from 0 to 1."
            )
        return rows


def _is_finite(value: Any) -> bool:
    """Tell whether a value is a number that float64 can hold."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    return is_real and bool(abs(value) <= sys.float_info.max)


def _is_shape(shape: tuple[Any, ...], features: int) -> bool:
    are_sizes = all(isinstance(size, Integral) and int(size) > 0 for size in shape)
    return are_sizes and len(shape) == 2 and math.prod(map(int, shape)) == features
