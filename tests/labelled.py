"""Samples with labels to test the classifier with: scikit-learn's data sets, and MNIST-5k."""

from __future__ import annotations

from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import StandardScaler

from handgrad import data


def mnist_5k():
    digits = data.load("mnist-5k")
    return digits.X_train / 255, digits.y_train


def digits_8x8():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def text():
    """Sparse text: the lines of the descriptions of scikit-learn's data sets, by data set."""
    documents, topics = [], []
    for topic, load_set in enumerate((load_iris, load_wine, load_breast_cancer, load_digits)):
        for line in load_set().DESCR.splitlines():
            if line.strip():
                documents.append(line)
                topics.append(topic)
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit_transform(documents), topics


def cancer():
    """Two classes."""
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


SOURCES = {"mnist-5k": mnist_5k, "digits": digits_8x8, "text": text, "two classes": cancer}
