"""PyTorch in eager mode, with its fused optimisers."""

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from peers._rows import float_rows


def _network(task):
    """Return a network that gives logits, or values."""
    modules = []
    for W, _ in task.layers:
        modules += [torch.nn.Linear(W.shape[1], W.shape[0]), torch.nn.ReLU()]
    net = torch.nn.Sequential(*modules[:-1])
    _take(net, task)
    return net


def _take(net, task):
    """Go back to the initial values."""
    with torch.no_grad():
        for tensor, value in zip(net.parameters(), task.parameters, strict=True):
            tensor.copy_(torch.from_numpy(np.array(value)).reshape(tensor.shape))


def _prepared(task, threads):
    torch.set_num_threads(threads)
    rows, targets = torch.from_numpy(float_rows(task.X)), torch.from_numpy(task.y)
    return _network(task), rows, targets


def _cost(task):
    """Return the function of outputs and targets that is minimised."""
    if task.output == "softmax":
        return functional.cross_entropy
    return lambda values, targets: functional.mse_loss(values[:, 0], targets) / 2


def _optimiser(net, task):
    kind = torch.optim.Adam if task.solver == "adam" else torch.optim.SGD
    return kind(net.parameters(), lr=task.learning_rate, fused=True)


def _step(net, optimiser, cost_of, rows, targets):
    cost = cost_of(net(rows), targets)
    optimiser.zero_grad()
    cost.backward()
    optimiser.step()
    return cost.detach()


def full_batch(task, threads):
    net, rows, targets = _prepared(task, threads)
    optimisers: list[Any] = []

    def reset():
        _take(net, task)
        optimisers[:] = [_optimiser(net, task)]

    def run():
        for _ in range(task.steps):
            cost = _step(net, optimisers[0], _cost(task), rows, targets)
        return cost

    return reset, run


def batches(task, threads):
    net, rows, targets = _prepared(task, threads)
    parts = list(zip(rows.split(task.batch_size), targets.split(task.batch_size), strict=True))
    cost_of = _cost(task)
    optimisers: list[Any] = []

    def reset():
        _take(net, task)
        optimisers[:] = [_optimiser(net, task)]

    def run():
        costs = [_step(net, optimisers[0], cost_of, *part) for part in parts]
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
