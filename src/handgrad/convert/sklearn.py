"""To and from scikit-learn's multi-layer perceptrons."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeGuard

import numpy as np

from handgrad.convert.folding import Scaling, check_finite, folded
from handgrad.convert.pipelines import scaling_of
from handgrad.errors import ConversionError, MissingPackageError
from handgrad.layers import Layer
from handgrad.model import Model
from handgrad.network import Network
from handgrad.objective import Objective
from handgrad.quoting import named, shown
from handgrad.rows import PIXEL_SCALE, as_array

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.estimator import MLPClassifier, MLPRegressor
    from handgrad.network import Output

    Estimator: TypeAlias = MLPClassifier | MLPRegressor

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")  # of scikit-learn
WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")
FIGURES = (
    "n_iter_",
    "t_",
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
)


def from_sklearn(estimator: Any) -> Model:
    """Return a fitted multi-layer perceptron of scikit-learn as a model.

    The model predicts the same, runs on every engine, and can be saved, shown and exported. To
    train it further, pass it to a function of `handgrad.solvers`.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        Fitted. A pipeline may scale the features before the perceptron, by a `StandardScaler`,
        `MinMaxScaler` or `MaxAbsScaler`: the scaling becomes part of the first layer, and the model
        takes rows that are not scaled. A fitted estimator of handgrad is returned as its own model.

    Returns
    -------
    Model
        With the names of the classes and of the features. Bytes are ordinary numbers, as in
        scikit-learn. Two classes become a softmax of two rows, which has the same probabilities.

    Raises
    ------
    ConversionError
        If this is another estimator, or if it is not fitted.

    Examples
    --------
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["no", "yes", "yes", "no"]
    >>> theirs = MLPClassifier((8, 4), solver="lbfgs", random_state=1).fit(X, y)
    >>> model = from_sklearn(theirs)
    >>> model, model.class_names
    (Model(2 features, 8 and 4 hidden units, 2 classes, float64), ('no', 'yes'))
    """
    theirs = _their_classes()
    if isinstance(estimator, theirs.Pipeline):
        return _of_pipeline(estimator)
    if _is_ours(estimator):
        return Model.of(estimator)
    if not isinstance(estimator, theirs.MLPClassifier | theirs.MLPRegressor):
        raise ConversionError(
            f"A {_kind(estimator)} cannot become a model; expected scikit-learn's MLPClassifier or "
            "MLPRegressor, or a Pipeline that ends in one."
        )
    if not hasattr(estimator, "coefs_"):
        raise ConversionError(
            f"The {type(estimator).__name__} is not fitted, so it has no network; call fit first."
        )
    network = _network(estimator)
    names = getattr(estimator, "feature_names_in_", None)
    fields: dict[str, Any] = {"pixels": False}
    if names is not None:
        fields["feature_names"] = tuple(names.tolist())
    if isinstance(estimator, theirs.MLPClassifier):
        fields["class_names"] = tuple(map(str, estimator.classes_.tolist()))
    return Model.of(network, **fields).as_softmax()


def to_sklearn(
    model: Network | Estimator,
    *,
    classes: npt.ArrayLike | None = None,
    pixels: bool | None = None,
) -> Any:
    """Return a network as a fitted multi-layer perceptron of scikit-learn.

    It predicts the same, and `partial_fit` or a fit with ``warm_start`` trains it further.

    Parameters
    ----------
    model : Network, Model, or a fitted estimator of handgrad
        A network that predicts classes or labels becomes an `MLPClassifier`, one that predicts
        values an `MLPRegressor`. The parameters and figures of an estimator are copied.
    classes : array, optional
        The class of each output. By default those of the estimator, or the names of the model; if
        all names are whole numbers, the classes are numbers. scikit-learn sorts its classes, so the
        outputs may change their places.
    pixels : bool, optional
        Whether the rows will be bytes of pixels, as uint8 or as numbers from 0 to 255. If so,
        the factor 1/255, which handgrad applies to such rows, becomes part of the first layer.
        By default it does if the model was trained on pixels. Without it, rows are numbers that
        both libraries take as they are.

    Returns
    -------
    sklearn.neural_network.MLPClassifier or MLPRegressor

    Raises
    ------
    ConversionError
        If scikit-learn has no such network: leaky ReLU, activations that differ from layer to
        layer, or fewer than two classes.

    Examples
    --------
    >>> network = Network.initial(features=4, hidden=(3, 2), classes=3, activation="tanh")
    >>> theirs = to_sklearn(network, classes=["ant", "bee", "cow"])
    >>> type(theirs), theirs.hidden_layer_sizes, theirs.predict([[0.1, 0.2, 0.3, 0.4]]).shape
    (<class 'sklearn.neural_network._multilayer_perceptron.MLPClassifier'>, (3, 2), (1,))
    """
    _their_classes()
    if not isinstance(model, Network) and not _is_ours(model):
        raise ConversionError(
            f"A {_kind(model)} cannot be converted to scikit-learn; expected a Network, a Model, "
            "or a fitted estimator of handgrad."
        )
    known = Model.of(model)
    check_finite(known)
    network = _for_bytes(known) if _takes_pixels(known, pixels) else known
    parameters = {} if isinstance(model, Network) else _shared_parameters(model)
    parameters["hidden_layer_sizes"] = network.hidden
    if network.hidden:
        parameters["activation"] = _activation(network)
    if network.predicts != "classes":
        _check_no_classes(classes, network)
        theirs = _of_values(network, parameters, sparse=_has_sparse_labels(model))
    else:
        classes = _own_classes(model, known) if classes is None else classes
        theirs = _of_classes(network, classes, parameters)
    if known.feature_names is not None:
        theirs.feature_names_in_ = np.array(known.feature_names, dtype=object)
    if not isinstance(model, Network):
        figures = {name: getattr(model, name) for name in FIGURES if hasattr(model, name)}
        vars(theirs).update(deepcopy(figures))
    return theirs


class _TheirClasses(NamedTuple):
    MLPClassifier: Any
    MLPRegressor: Any
    Pipeline: Any


def _their_classes() -> _TheirClasses:
    try:
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.pipeline import Pipeline
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "Conversion from and to scikit-learn needs scikit-learn, which is not installed; "
            "install handgrad with the extra 'sklearn'."
        ) from error
    return _TheirClasses(MLPClassifier, MLPRegressor, Pipeline)


def _is_ours(estimator: object) -> TypeGuard[Estimator]:
    """Tell whether this is an estimator of handgrad, whose import needs scikit-learn."""
    from handgrad.estimator import MLPClassifier, MLPRegressor

    return isinstance(estimator, MLPClassifier | MLPRegressor)


def _kind(found: object) -> str:
    return named(f"{type(found).__name__} of {type(found).__module__}")


def _of_pipeline(pipeline: Any) -> Model:
    *steps, last = [step for _, step in pipeline.steps]
    model, scaling = from_sklearn(last), scaling_of(steps)
    names = getattr(pipeline, "feature_names_in_", None)
    if names is not None:
        model = Model.of(model, feature_names=tuple(names.tolist()))
    if scaling is None:
        return model
    if model.pixels:
        raise ConversionError(
            "The pipeline scales features before an estimator with pixels=True; expected "
            "pixels=False: convert the last step alone."
        )
    return model.with_parameters(folded(model, scaling).parameters)


def _network(estimator: Any) -> Network:
    """Return the network of a fitted perceptron of scikit-learn."""
    from handgrad.estimator.fitting import as_network  # which needs scikit-learn

    network = as_network(
        estimator.coefs_, estimator.intercepts_, estimator.activation, estimator.out_activation_
    )
    if network.predicts == "classes" and len(estimator.classes_) != network.columns:
        raise ConversionError(
            f"The classifier knows {len(estimator.classes_)} class; expected two or more: "
            "fit it on labels that differ."
        )
    check_finite(network)
    return network


def _takes_pixels(model: Model, pixels: bool | None) -> bool:
    if not isinstance(pixels, bool | None):
        raise ConversionError(f"pixels is {shown(pixels)}; expected True, False or None.")
    return model.scaling == PIXEL_SCALE if pixels is None else pixels


def _for_bytes(network: Network) -> Network:
    """Return the network that reads bytes as they are, as the given one reads them scaled."""
    return folded(network, Scaling(np.full(network.D, PIXEL_SCALE), np.zeros(network.D)))


def _activation(network: Network) -> str:
    names = {layer.activation for layer in network.layers[:-1]}
    if len(names) > 1:
        raise ConversionError(
            f"The hidden layers have the activations {network.activation}; expected one for all "
            "of them, because scikit-learn has one per network."
        )
    (name,) = names
    if name not in ACTIVATIONS:
        raise ConversionError(
            f"The hidden layers have the activation {name}, which scikit-learn does not know; "
            f"expected one of {', '.join(ACTIVATIONS)}."
        )
    return name


def _shared_parameters(estimator: Estimator) -> dict[str, Any]:
    """Return the parameters of an estimator that scikit-learn has, too, with values it takes."""
    own = {name: deepcopy(value) for name, value in estimator.get_params().items()}
    own["verbose"] = own["verbose"] not in (False, "bar", 0)
    unknown = {"solver": own["solver"] == "gd", "activation": own["activation"] not in ACTIVATIONS}
    own = {name: value for name, value in own.items() if not unknown.get(name)}
    theirs = _their_classes().MLPRegressor if "loss" in own else _their_classes().MLPClassifier
    return {name: own[name] for name in theirs().get_params() if name in own}


def _check_no_classes(classes: npt.ArrayLike | None, network: Network) -> None:
    if classes is not None:
        raise ConversionError(
            f"classes were given, but the network predicts {network.predicts}; expected none."
        )


def _has_sparse_labels(model: Network | Estimator) -> bool:
    return not isinstance(model, Network) and getattr(model.state().kind, "is_sparse", False)


def _own_classes(model: Network | Estimator, known: Model) -> npt.ArrayLike:
    """Return the class of each output; names that are whole numbers become numbers."""
    if not isinstance(model, Network):
        classes: npt.NDArray[Any] = model.classes_
        return classes
    names = known.class_names
    return [int(name) for name in names] if all(map(WHOLE_NUMBER.fullmatch, names)) else list(names)


def _of_classes(network: Network, classes: npt.ArrayLike, parameters: dict[str, Any]) -> Any:
    """Return a classifier whose outputs are in the order of its sorted classes."""
    if network.columns < 2:
        raise ConversionError(
            "The network knows one class; expected two or more, because scikit-learn's classifier "
            "has an output for the second one."
        )
    distinct, places = _sorted(classes, network.columns)
    last = network.as_softmax().layers[-1]
    W, b = last.W[places], last.b[places]
    if network.columns == 2:  # 1 / (1 + exp(−z)), where z is the difference of both logits
        W, b = W[1:] - W[:1], b[1:] - b[:1]
    output: Output = "logistic" if network.columns == 2 else "softmax"
    layers = [*network.layers[:-1], Layer(W, b, "identity")]
    theirs = _their_classes().MLPClassifier(**parameters)
    return _fitted(theirs, Network.of_layers(layers, output), distinct)


def _sorted(classes: npt.ArrayLike, expected: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the classes in their order, and which output each has."""
    labels = as_array("classes", classes)
    try:
        distinct, places = np.unique(labels, return_index=True)
    except TypeError as error:
        raise ConversionError(
            f"classes are of types that have no order ({named(error)}); expected all texts or all "
            "numbers."
        ) from error
    if labels.shape != (expected,) or len(distinct) != expected:
        raise ConversionError(
            f"classes holds {labels.size} labels of which {len(distinct)} differ; expected "
            f"{expected} different ones, one per output."
        )
    return distinct, places


def _of_values(network: Network, parameters: dict[str, Any], *, sparse: bool) -> Any:
    """Return a regressor, or a classifier whose labels may be predicted as a sparse matrix."""
    if network.predicts == "labels":
        from scipy.sparse import csr_matrix

        labels = np.eye(network.K, dtype=int)
        theirs = _their_classes().MLPClassifier(**parameters)
        return _fitted(theirs, network, csr_matrix(labels) if sparse else labels)
    parameters = parameters | {"loss": Objective(network.output).loss}
    return _fitted(_their_classes().MLPRegressor(**parameters), network, None)


def _fitted(theirs: Any, network: Network, labels: Any) -> Any:
    """Give an estimator all that a fit of this network on such labels leaves behind."""
    if labels is not None:
        from sklearn.preprocessing import LabelBinarizer

        try:
            theirs._label_binarizer = LabelBinarizer().fit(labels)  # noqa: SLF001
        except ValueError as error:
            raise ConversionError(
                f"scikit-learn refuses the classes ({named(error)}); expected texts, or numbers "
                "that are whole."
            ) from error
        theirs.classes_ = theirs._label_binarizer.classes_  # noqa: SLF001
    theirs.coefs_ = [np.array(layer.W.T, order="C") for layer in network.layers]
    theirs.intercepts_ = [layer.b[:, 0].copy() for layer in network.layers]
    theirs.n_features_in_ = network.D
    theirs.n_layers_ = len(network.layers) + 1
    theirs.n_outputs_ = network.K
    theirs.out_activation_ = network.output
    theirs.n_iter_ = theirs.t_ = 0
    theirs.loss_curve_ = []
    theirs.best_loss_, theirs.best_validation_score_ = np.inf, None
    theirs.validation_scores_ = None
    if theirs.early_stopping:
        theirs.best_loss_, theirs.best_validation_score_ = None, -np.inf
        theirs.validation_scores_ = []
    theirs._no_improvement_count = 0  # noqa: SLF001 - from here on, what a warm start reads
    theirs._best_coefs = deepcopy(theirs.coefs_)  # noqa: SLF001
    theirs._best_intercepts = deepcopy(theirs.intercepts_)  # noqa: SLF001
    return theirs
