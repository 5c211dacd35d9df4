"""A whole program with scikit-learn that reads rows and labels from files and trains a network."""

import sys
import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore")
rows, labels, iterations, memory = sys.argv[1:]
X, y = np.load(rows).astype(np.float32) / np.float32(255), np.load(labels)
classifier = MLPClassifier(
    hidden_layer_sizes=(10,),
    solver="sgd",
    batch_size=len(X),
    learning_rate_init=0.1,
    momentum=0,
    alpha=0,
    max_iter=int(iterations),
    tol=0,
    n_iter_no_change=10**9,
    shuffle=False,
)
classifier.fit(X, y)
print(classifier.loss_)
if memory == "memory":
    import resource

    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
