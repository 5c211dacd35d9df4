"""MLPClassifier among scikit-learn's tools."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pytest
from sklearn import config_context, neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from handgrad import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# The default parameters are checked in test_scikit_learn_checks.py. Without a penalty, lbfgs takes
# probabilities of labels to 1, in scikit-learn too, and one check wants them to be below 1.
@parametrize_with_checks(
    [
        MLPClassifier(solver="lbfgs", alpha=0.1),
        MLPClassifier((20,), solver="sgd", learning_rate_init=0.1, max_iter=100),
        MLPClassifier((20,), solver="gd", learning_rate_init=0.5, max_iter=300),
        MLPClassifier((20, 10), activation="leaky_relu", learning_rate_init=0.02, max_iter=100),
        MLPRegressor(solver="lbfgs"),
        MLPRegressor(
            hidden_layer_sizes=(20, 10), activation="tanh", learning_rate_init=0.02, max_iter=100
        ),
    ]
)
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


@pytest.mark.parametrize("make", [MLPClassifier, neural_network.MLPClassifier])
class TestBoth:
    """What holds for scikit-learn's classifier holds for this one."""

    @pytest.mark.parametrize("solver", ["adam", "sgd"])
    def test_losses_are_numpy_s_numbers(self, make, solver):
        model = make((5,), solver=solver, max_iter=3).fit(*load_iris(return_X_y=True))
        assert {type(loss) for loss in (model.loss_, model.best_loss_)} <= {np.float64}
        assert {type(loss) for loss in model.loss_curve_} <= {np.float64}

    @pytest.mark.filterwarnings("error")
    def test_few_samples_of_many_classes_give_no_warning(self, make):
        X, _ = load_iris(return_X_y=True)
        make((5,)).partial_fit(X[:25], np.arange(25), classes=range(25))

    @pytest.mark.parametrize("as_text", [str, "S3", "list"])
    def test_numbers_as_text_are_refused(self, make, as_text):
        X, y = load_iris(return_X_y=True)
        text = X.astype(str).tolist() if as_text == "list" else X.astype(as_text)
        with pytest.raises(ValueError, match="bytes/strings"):
            make((5,), max_iter=2).fit(X, y).predict(text)

    def test_a_truth_value_is_not_a_number_of_units(self, make):
        with pytest.raises((TypeError, ValueError)):
            make((True,)).fit(*load_iris(return_X_y=True))


def test_lbfgs_warns_in_the_words_of_scikit_learn():
    X, y = load_iris(return_X_y=True)
    texts = []
    for make in (MLPClassifier, neural_network.MLPClassifier):
        with pytest.warns(ConvergenceWarning) as caught:
            make((5,), solver="lbfgs", max_iter=3, random_state=0).fit(X, y)
        texts.append(str(caught[0].message))
    assert texts[0] == texts[1]


@pytest.fixture(scope="module")
def flowers():
    X, y = load_iris(return_X_y=True, as_frame=True)
    return X, np.array(["setosa", "versicolor", "virginica"])[y]


@pytest.fixture
def pipeline():
    return make_pipeline(
        StandardScaler(), MLPClassifier(random_state=0, learning_rate_init=0.05, max_iter=50)
    )


def test_a_pipeline_scores(pipeline, flowers):
    assert pipeline.fit(*flowers).score(*flowers) > 0.9


def test_a_pipeline_takes_text():
    texts = ["the cat sat", "a cat purrs", "dogs bark", "the dog ran"]
    model = make_pipeline(
        TfidfVectorizer(dtype=np.float32), MLPClassifier((8,), solver="lbfgs", random_state=0)
    )
    animals = ["cat", "cat", "dog", "dog"]
    assert model.fit(texts, animals).predict(texts).tolist() == animals
    assert model[-1].coefs_[0].dtype == np.float32


def test_a_grid_is_searched_in_two_processes(pipeline, flowers):
    grid = {"mlpclassifier__hidden_layer_sizes": [(3,), 12], "mlpclassifier__alpha": [1e-4, 1e-2]}
    search = GridSearchCV(pipeline, grid, n_jobs=2, cv=3, error_score="raise").fit(*flowers)
    assert search.best_score_ > 0.9
    assert search.best_estimator_.predict(flowers[0][:1]).tolist() == ["setosa"]


def test_scores_are_cross_validated(pipeline, flowers):
    assert cross_val_score(pipeline, *flowers, error_score="raise").min() > 0.85


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_probabilities_are_calibrated(pipeline, flowers, method):
    model = CalibratedClassifierCV(pipeline, method=method, cv=3).fit(*flowers)
    assert model.score(*flowers) > 0.9


def test_the_output_of_a_pipeline_can_be_set(pipeline, flowers):
    model = pipeline.set_output(transform="pandas").fit(*flowers)
    assert list(model[-1].feature_names_in_) == list(flowers[0].columns)


def test_a_clone_trains_to_the_same_bits(flowers):
    X, y = flowers
    model = MLPClassifier((5,), alpha=0.1, class_weight={"setosa": 2}, random_state=0, max_iter=9)
    copy = clone(model.fit(X, y))
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "coefs_")
    np.testing.assert_array_equal(copy.fit(X, y).coefs_[0], model.coefs_[0])


def test_it_shows_itself_as_text_and_html(pipeline, flowers):
    assert (
        repr(MLPClassifier((5,), alpha=0.1)) == "MLPClassifier(alpha=0.1, hidden_layer_sizes=(5,))"
    )
    alone = MLPClassifier((5,))._repr_html_()
    assert "MLPClassifier" in alone
    assert "hidden_layer_sizes" in alone
    assert "MLPClassifier" in pipeline.fit(*flowers)._repr_html_()


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", "gd"])
@pytest.mark.parametrize("tool", ["pickle", "joblib"])
def test_a_pickle_keeps_all_and_continues(tmp_path, flowers, solver, tool):
    X, y = flowers
    model = MLPClassifier((5,), solver=solver, warm_start=True, random_state=0, max_iter=9)
    model.fit(X, y)
    if tool == "joblib":
        joblib.dump(model, tmp_path / "model")
        again = joblib.load(tmp_path / "model")
    else:
        again = pickle.loads(pickle.dumps(model))  # noqa: S301
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.history_ == model.history_
    for copy in (model, again):
        copy.fit(X, y)
        if solver in ("adam", "sgd"):
            copy.partial_fit(X, y)
    np.testing.assert_array_equal(again.coefs_[0], model.coefs_[0])


def test_sample_weight_is_routed():
    X, y = load_iris(return_X_y=True)
    weights = np.where(y == 0, 5.0, 1.0)
    with config_context(enable_metadata_routing=True):
        inner = MLPClassifier((5,), random_state=0, max_iter=5).set_fit_request(sample_weight=True)
        inner.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, inner).fit(X, y, sample_weight=weights)
        scores = cross_val_score(inner, X, y, params={"sample_weight": weights}, cv=3)
    scaled = StandardScaler().fit_transform(X)
    plain = MLPClassifier((5,), random_state=0, max_iter=5).fit(scaled, y, weights)
    np.testing.assert_array_equal(routed[-1].coefs_[0], plain.coefs_[0])
    assert len(scores) == 3
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("frames", ["pandas", "polars"])
def test_data_frames_have_names(frames, flowers):
    library = pytest.importorskip(frames)
    X = library.DataFrame({name: flowers[0][name].to_numpy() for name in flowers[0]})
    y = library.Series(flowers[1].tolist())
    model = MLPClassifier((5,), random_state=0, max_iter=30, early_stopping=True).fit(X, y)
    assert list(model.feature_names_in_) == list(X.columns)
    assert set(model.predict(X)) <= {"setosa", "versicolor", "virginica"}
    numbers = MLPClassifier((5,), random_state=0, max_iter=30, early_stopping=True)
    numbers.fit(flowers[0].to_numpy(), flowers[1])
    np.testing.assert_array_equal(model.predict_proba(X), numbers.predict_proba(X.to_numpy()))
    with pytest.raises(ValueError, match="same order"):
        model.predict(X[list(X.columns)[::-1]])
    with pytest.raises(ValueError, match="feature names"):
        model.fit(X, y, X_val=X[list(X.columns)[::-1]], y_val=y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X.to_numpy())
