"""A whole program with handgrad that reads rows and labels from files and trains a network."""

import sys

import numpy as np

from handgrad import Network, get_engine

rows, labels, iterations, memory = sys.argv[1:]
X, y = np.load(rows), np.load(labels)
network, costs = get_engine().descend(
    Network.initial(), X, y, learning_rate=0.1, iterations=int(iterations)
)
print(costs[-1])
if memory == "memory":
    import resource

    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
