"""What an estimator learns to predict: classes, several labels per sample, or values.

A fit learns the kind of its targets from y. The kind then says how y is encoded for an engine, what
the network's outputs predict, and how well.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.metrics import r2_score
from sklearn.preprocessing import LabelBinarizer

from handgrad.estimator.tallies import AccuracyTally, R2Tally, Tally
from handgrad.estimator.targets import codes_of, is_multilabel
from handgrad.layers import Layer
from handgrad.network import Network
from handgrad.objective import OUTPUT_OF_VALUES, Objective
from handgrad.rows import is_sparse

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.data import Predicts
    from handgrad.layers import Matrix
    from handgrad.network import Output
    from handgrad.objective import Loss


class TargetKind(ABC):
    """The targets that a fit has learned."""

    predicts: ClassVar[Predicts]

    @property
    @abstractmethod
    def output(self) -> Output:
        """The output of the network."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many outputs the network has."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """One name per class, label or value."""

    @abstractmethod
    def encoded(self, y: Any) -> npt.NDArray[Any]:
        """Return checked targets as an engine takes them; an unknown class becomes -1."""

    @abstractmethod
    def predictions(self, outputs: Matrix) -> Any:
        """Return what the engine's outputs, of shape (m, columns), predict."""

    @abstractmethod
    def figures(self, encoded: npt.NDArray[Any], outputs: Matrix) -> npt.NDArray[Any]:
        """Return for each sample what the score needs: whether it is right, or its errors."""

    def tally(self) -> Tally:
        """Return what adds up the figures of parts."""
        return AccuracyTally()

    def score(
        self,
        encoded: npt.NDArray[Any],
        outputs: Matrix,
        weights: npt.NDArray[np.float64] | None,
    ) -> float:
        """Return accuracy or R², as scikit-learn's `score` does."""
        return float(np.average(self.figures(encoded, outputs), weights=weights))

    def strata(self, encoded: npt.NDArray[Any]) -> npt.NDArray[Any] | None:  # noqa: ARG002
        """Return the group of each sample, if the same share of each group is held out."""
        return None

    def as_shown(self, network: Network) -> Network:
        """Return a trained network as users see it."""
        return network

    def as_trained(self, network: Network) -> Network:
        """Return the network that `as_shown` returned, as it was trained."""
        return network

    def objective(self, alpha: float) -> Objective:
        """Return what training minimises; costs are those that scikit-learn reports."""
        return Objective(self.output, alpha=alpha, averages_outputs=True)


@dataclass(frozen=True, eq=False)
class ClassTargets(TargetKind):
    """One of several classes per sample."""

    classes: npt.NDArray[Any]
    """(K,): the labels, sorted."""
    predicts: ClassVar[Predicts] = "classes"

    @property
    def output(self) -> Output:
        """One or two classes have a single logistic output."""
        return "softmax" if len(self.classes) > 2 else "logistic"

    @property
    def outputs(self) -> int:
        """One per class, or a single one."""
        return len(self.classes) if len(self.classes) > 2 else 1

    @property
    def names(self) -> tuple[str, ...]:
        """The labels as texts."""
        return tuple(map(str, self.classes.tolist()))

    def encoded(self, y: Any) -> npt.NDArray[np.int64]:
        """Return the number of each label's class, and -1 for a label that fit never saw."""
        if is_sparse(y) or y.ndim == 2:
            raise ValueError("The object was not fitted with multilabel input.")
        return codes_of(y, self.classes)

    def predictions(self, outputs: Matrix) -> npt.NDArray[Any]:
        """Return the label of the largest output of each sample (O4)."""
        labels: npt.NDArray[Any] = self.classes[self.codes(outputs)]
        return labels

    def codes(self, outputs: Matrix) -> npt.NDArray[np.int64]:
        """Return the number of the class of the largest output of each sample."""
        codes: npt.NDArray[np.int64] = outputs[:, : len(self.classes)].argmax(axis=1)
        return codes

    def figures(self, encoded: npt.NDArray[Any], outputs: Matrix) -> npt.NDArray[np.bool_]:
        """Return whether the class of each sample is predicted right."""
        right: npt.NDArray[np.bool_] = self.codes(outputs) == encoded
        return right

    def strata(self, encoded: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        """Return in which of two classes each sample is; scikit-learn does not balance more."""
        return encoded.astype(bool)[:, None] if self.outputs == 1 else None

    def as_shown(self, network: Network) -> Network:
        """Return the network with a softmax: one row per class, even of one or two classes."""
        if len(self.classes) == 1:
            return Network.of_layers(network.layers, "softmax")
        return network.as_softmax()

    def as_trained(self, network: Network) -> Network:
        """Return the network with a single logistic output, if there are one or two classes."""
        *hidden, last = network.layers
        if self.outputs == 1:
            last = Layer(last.W[-1:], last.b[-1:], last.activation)
        return Network.of_layers([*hidden, last], self.output)


@dataclass(frozen=True, eq=False)
class LabelTargets(TargetKind):
    """Several labels per sample, each of which a sample has or does not have."""

    classes: npt.NDArray[Any]
    """(K,): the names or numbers of the labels."""
    is_sparse: bool = False
    """Whether predictions are sparse, as y was."""
    predicts: ClassVar[Predicts] = "labels"

    @property
    def output(self) -> Output:
        """The probability of each label by itself."""
        return "logistic"

    @property
    def outputs(self) -> int:
        """One per label."""
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels as texts."""
        return tuple(map(str, self.classes.tolist()))

    def encoded(self, y: Any) -> npt.NDArray[np.bool_]:
        """Return which labels each sample has, as (m, K).

        As in scikit-learn, a vector gives each sample one of the labels.
        """
        if not is_multilabel(y) and not np.isin(y, self.classes).all():
            raise ValueError(
                f"y holds one label per sample, such as {y.tolist()[0]!r}; expected a matrix with "
                f"{self.outputs} columns of 0 and 1, as in fit."
            )
        matrix: npt.NDArray[np.bool_] = self._binarizer.transform(y).astype(bool)
        return matrix

    def predictions(self, outputs: Matrix) -> Any:
        """Return a matrix (m, K) with 1 where a probability is above 0.5."""
        return self._binarizer.inverse_transform(outputs)

    @property
    def _binarizer(self) -> LabelBinarizer:
        each = np.eye(self.outputs, dtype=int)
        return LabelBinarizer().fit(sparse.csr_matrix(each) if self.is_sparse else each)

    def figures(self, encoded: npt.NDArray[Any], outputs: Matrix) -> npt.NDArray[np.bool_]:
        """Return whether all labels of each sample are predicted right."""
        right: npt.NDArray[np.bool_] = ((outputs > 0.5) == encoded).all(axis=1)
        return right


@dataclass(frozen=True, eq=False)
class ValueTargets(TargetKind):
    """One or more values per sample."""

    columns: tuple[str, ...]
    """One name per value."""
    loss: Loss = "squared_error"
    predicts: ClassVar[Predicts] = "values"

    @property
    def output(self) -> Output:
        """The mean of a Poisson distribution is above 0."""
        return OUTPUT_OF_VALUES[self.loss]

    @property
    def outputs(self) -> int:
        """One per value."""
        return len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the values."""
        return self.columns

    def encoded(self, y: Any) -> npt.NDArray[Any]:
        """Return the values as (m, K)."""
        values: npt.NDArray[Any] = y[:, None] if y.ndim == 1 else y
        if values.shape[1] != self.outputs:
            raise ValueError(
                f"y has {values.shape[1]} values per sample; expected {self.outputs}, as in fit."
            )
        if self.loss == "poisson" and values.min() < 0:
            raise ValueError(
                f"y holds {values.min():g}, but loss='poisson' takes counts; expected values of 0 "
                "or more."
            )
        return values if values.dtype.kind == "f" else values.astype(np.float64)

    def predictions(self, outputs: Matrix) -> npt.NDArray[Any]:
        """Return the values; a single one per sample as a vector."""
        return outputs.ravel() if self.outputs == 1 else outputs

    def figures(self, encoded: npt.NDArray[Any], outputs: Matrix) -> npt.NDArray[np.float64]:
        """Return the squared errors, (m, K)."""
        errors: npt.NDArray[np.float64] = (outputs.astype(np.float64) - encoded) ** 2
        return errors

    def tally(self) -> Tally:
        """Return what adds up squared errors and deviations of parts."""
        return R2Tally()

    def score(
        self,
        encoded: npt.NDArray[Any],
        outputs: Matrix,
        weights: npt.NDArray[np.float64] | None,
    ) -> float:
        """Return R², or NaN if a predicted value is not finite."""
        if not np.isfinite(outputs).all():
            return float("nan")
        return float(r2_score(encoded, outputs, sample_weight=weights))


def weighted_classes(kind: TargetKind) -> npt.NDArray[Any]:
    """Return the classes that may have weights; several labels per sample raise a ValueError."""
    if not isinstance(kind, ClassTargets):
        raise ValueError(  # noqa: TRY004 - the type that scikit-learn raises
            "class_weight gives weights to classes, but y holds several labels per sample; "
            "expected None: sample_weight gives weights to samples."
        )
    return kind.classes
