"""A whole program with PyTorch that reads rows and labels from files and trains a network."""

import sys

import numpy as np
import torch

rows, labels, iterations, memory = sys.argv[1:]
X = torch.from_numpy(np.load(rows).astype(np.float32) / np.float32(255))
y = torch.from_numpy(np.load(labels).astype(np.int64))
net = torch.nn.Sequential(torch.nn.Linear(784, 10), torch.nn.ReLU(), torch.nn.Linear(10, 10))
optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(int(iterations)):
    cost = torch.nn.functional.cross_entropy(net(X), y)
    optimiser.zero_grad()
    cost.backward()
    optimiser.step()
print(float(cost))
if memory == "memory":
    import resource

    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
