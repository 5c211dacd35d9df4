"""PyTorch in eager mode, with its fused optimisers."""

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from peers._rows import float_rows


class Net(torch.nn.Module):  # type: ignore[misc]
    """The two-layer network, from given initial values."""

    def __init__(self, parameters):
        super().__init__()
        self.first = torch.nn.Linear(parameters[0].shape[1], parameters[0].shape[0])
        self.second = torch.nn.Linear(parameters[2].shape[1], parameters[2].shape[0])
        self.take(parameters)

    def take(self, parameters):
        """Go back to the initial values."""
        own = (self.first.weight, self.first.bias, self.second.weight, self.second.bias)
        with torch.no_grad():
            for tensor, value in zip(own, parameters, strict=True):
                tensor.copy_(torch.from_numpy(np.array(value)).reshape(tensor.shape))

    def forward(self, x):
        """Return logits."""
        return self.second(functional.relu(self.first(x)))


def _prepared(task, threads):
    torch.set_num_threads(threads)
    rows, labels = torch.from_numpy(float_rows(task.X)), torch.from_numpy(task.y)
    return Net(task.parameters), rows, labels


def _optimiser(net, task):
    kind = torch.optim.Adam if task.solver == "adam" else torch.optim.SGD
    return kind(net.parameters(), lr=task.learning_rate, fused=True)


def _step(net, optimiser, rows, labels):
    cost = functional.cross_entropy(net(rows), labels)
    optimiser.zero_grad()
    cost.backward()
    optimiser.step()
    return cost.detach()


def full_batch(task, threads):
    net, rows, labels = _prepared(task, threads)
    optimisers: list[Any] = []

    def reset():
        net.take(task.parameters)
        optimisers[:] = [_optimiser(net, task)]

    def run():
        for _ in range(task.steps):
            cost = _step(net, optimisers[0], rows, labels)
        return cost

    return reset, run


def batches(task, threads):
    net, rows, labels = _prepared(task, threads)
    parts = list(zip(rows.split(task.batch_size), labels.split(task.batch_size), strict=True))
    optimisers: list[Any] = []

    def reset():
        net.take(task.parameters)
        optimisers[:] = [_optimiser(net, task)]

    def run():
        costs = [_step(net, optimisers[0], *part) for part in parts]
        return torch.stack(costs).mean()

    return reset, run


def predict(task, threads):
    net, rows, _ = _prepared(task, threads)
    first = [True]

    def run():
        with torch.inference_mode():
            probabilities = functional.softmax(net(rows), dim=1)
        if first:
            first.clear()
            return probabilities.double().square().mean()
        return 0

    return lambda: None, run


def predict_one(task, threads):
    net, rows, _ = _prepared(task, threads)
    samples = list(rows[: task.steps])

    def run():
        with torch.inference_mode():
            return sum([int(net(x).argmax()) for x in samples])

    return lambda: None, run
