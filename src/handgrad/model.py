"""A trained network together with what its inputs and outputs mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import ShapeError
from handgrad.network import Network
from handgrad.rows import PIXEL_SCALE, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt


@dataclass(frozen=True, eq=False, repr=False)
class Model(Network):
    """A network that knows its classes' names, its inputs' scale, and how it was trained.

    Parameters
    ----------
    W1, b1, W2, b2 : arrays
        As in `handgrad.Network`.
    class_names : tuple of str
        One name a class, in the order of the rows of Z2.
    image_shape : (int, int), optional
        Rows and columns, where a sample is a picture.
    scaling : float
        What the numbers of a sample were multiplied with before training: 1/255 for pixels.
    training : mapping
        The settings of the training run, and its outcome.

    Raises
    ------
    ShapeError
        If the names or the image shape do not fit the network.

    Examples
    --------
    >>> network = Network.initial(features=4, hidden=3, classes=2)
    >>> Model(*network.parameters, class_names=("cat", "dog"), image_shape=(2, 2))
    Model(4 features, 3 hidden units, 2 classes, float32)
    """

    class_names: tuple[str, ...] = ()
    image_shape: tuple[int, int] | None = None
    scaling: float = 1.0
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.class_names) != self.K:
            raise ShapeError(
                f"class_names holds {len(self.class_names)} names; expected {self.K}, one a class."
            )
        if len(set(self.class_names)) != self.K:
            raise ShapeError("class_names holds a name twice; expected different names.")
        if self.image_shape is not None and np.prod(self.image_shape) != self.D:
            raise ShapeError(
                f"image_shape is {self.image_shape}; expected rows x columns = {self.D} features."
            )

    @classmethod
    def of(cls, network: Network) -> Model:
        """Return a model as it is, and any other network with its classes numbered from 0.

        Examples
        --------
        >>> Model.of(Network.initial(features=4, hidden=3, classes=2)).class_names
        ('0', '1')
        """
        if isinstance(network, Model):
            return network
        return cls(*network.parameters, class_names=tuple(map(str, range(network.K))))

    @property
    def largest_value(self) -> float:
        """The largest number that a sample may hold: 1 where pixels were scaled."""
        return 1.0 if self.scaling == PIXEL_SCALE else math.inf

    def check_rows(self, X: npt.ArrayLike) -> Any:
        """Return X as `Network.check_rows` does, but refuse pixels that nobody scaled.

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
