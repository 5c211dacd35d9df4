"""How a network reads samples: which rows and targets fit it, and as which numbers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from handgrad.errors import ShapeError
from handgrad.rows import PIXEL_SCALE, Bytes, real_rows, scaled_rows
from handgrad.targets import check_classes, check_labels, check_values

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.layers import Matrix
    from handgrad.targets import Labels, Targets

Output: TypeAlias = Literal["softmax", "logistic", "identity", "exp"]
Predicts: TypeAlias = Literal["classes", "labels", "values"]


class ReadsSamples(ABC):
    """The part of a network, or a model, that reads rows and targets."""

    output: Output

    @property
    @abstractmethod
    def D(self) -> int:
        """Number of features."""

    @property
    @abstractmethod
    def K(self) -> int:
        """Number of outputs."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """The type of the network's numbers."""

    @property
    def predicts(self) -> Predicts:
        """What the network predicts: one of several "classes", several "labels", or "values"."""
        if self.output == "softmax" or (self.output == "logistic" and self.K == 1):
            return "classes"
        return "labels" if self.output == "logistic" else "values"

    @property
    def columns(self) -> int:
        """Number of classes, labels or values that it predicts: 2 for one logistic output."""
        return 2 if self.output == "logistic" and self.K == 1 else self.K

    @property
    def classes(self) -> int:
        """Number of classes or labels; 0 if the network predicts values."""
        return 0 if self.predicts == "values" else self.columns

    @property
    def largest_value(self) -> float:
        """The largest number that a sample may hold."""
        return math.inf

    @property
    def byte_scale(self) -> float:
        """The factor of ``uint8`` numbers: 1/255, because they are pixels."""
        return PIXEL_SCALE

    @property
    def reading(self) -> tuple[object, ...]:
        """What decides how the network reads rows and targets."""
        sizes = self.D, self.K
        return *sizes, self.output, self.dtype, self.byte_scale, self.largest_value

    def check_rows(self, X: npt.ArrayLike) -> Any:
        """Check that the rows of X are samples of this network; return them as an array or as CSR.

        If bytes are not pixels, ``uint8`` rows are returned as `handgrad.rows.Bytes`.

        Raises
        ------
        ShapeError
            If X is not a matrix of real numbers with D columns. If samples are columns, the error
            says so.
        """
        rows = real_rows(X, self.D)
        bare = rows.dtype == np.uint8 and not isinstance(rows, Bytes)
        if bare and self.byte_scale != PIXEL_SCALE:
            rows = Bytes(rows, self.byte_scale)
        if isinstance(rows, Bytes) and 255 * abs(rows.scale) > float(np.finfo(self.dtype).max):
            raise ShapeError(
                f"X holds bytes to be multiplied with {rows.scale:g}, beyond {self.dtype}'s range; "
                "expected a smaller scale."
            )
        return rows

    def rows(self, X: npt.ArrayLike) -> Matrix:
        """Return X as this network reads it: one sample per row, in the network's own type.

        Bytes (``uint8``) are pixels and are multiplied by 1/255, unless `byte_scale` or a
        `handgrad.rows.Bytes` gives another scale. All other numbers stay as they are. Rows that
        already have the network's type are not copied.

        Parameters
        ----------
        X : array or SciPy sparse array of shape (m, D)
            Samples as rows. Sparse ones stay sparse, as CSR.

        Returns
        -------
        array of shape (m, D), of the network's type

        Raises
        ------
        ShapeError
            If X is not such a matrix; see `check_rows`.

        Examples
        --------
        >>> from handgrad import Network
        >>> network = Network.initial(features=2, hidden=1, classes=2)
        >>> network.rows(np.array([[0, 255]], dtype=np.uint8))
        array([[0., 1.]], dtype=float32)
        """
        rows: Matrix = scaled_rows(self.check_rows(X), self.dtype)
        return rows

    def labels(self, y: npt.ArrayLike, m: int) -> Labels:
        """Return y as m integer labels, each the number of a class.

        Parameters
        ----------
        y : array of shape (m,)
            Integers from 0 to ``classes - 1``, never one-hot.
        m : int
            The number of samples that the labels belong to.

        Raises
        ------
        ShapeError
            If y is not of that shape, not of integers, or out of range.

        Examples
        --------
        >>> from handgrad import Network
        >>> Network.initial(features=2, hidden=1, classes=2).labels([0, 1, 1], m=3)
        array([0, 1, 1])
        """
        return check_classes(y, m, self.classes)

    def targets(self, y: npt.ArrayLike, m: int) -> Targets:
        """Return y as the network is trained on it.

        Parameters
        ----------
        y : array of shape (m,) or (m, K)
            For classes as in `labels`. For several labels a matrix: 1 where a sample has a label,
            otherwise 0. For values a matrix, or a vector if there is one value per sample; "exp"
            takes values of 0 or more.
        m : int
            The number of samples that the targets belong to.

        Returns
        -------
        array of shape (m,) of integers, or (m, K) of the network's type

        Raises
        ------
        ShapeError
            If y is not such an array.

        Examples
        --------
        >>> from handgrad import Network
        >>> network = Network.initial(features=2, hidden=1, classes=1, output="identity")
        >>> network.targets([0.5, 3], m=2)
        array([[0.5],
               [3. ]], dtype=float32)
        """
        if self.predicts == "classes":
            return self.labels(y, m)
        if self.predicts == "labels":
            return check_labels(y, m, self.K, self.dtype)
        return check_values(y, m, self.K, self.dtype, 0 if self.output == "exp" else -math.inf)
