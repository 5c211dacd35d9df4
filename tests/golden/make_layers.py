"""Writes layers.json: what PyTorch's autograd makes of networks of one layer to four.

    pip install torch==2.13.0 && cd tests && python -m golden.make_layers

Like make.py, this file imports nothing of handgrad, and writes figures with all their bits. There
is one problem for each depth, activation and output with its loss, in float64. All networks of one
depth start from the same numbers, which are whole multiples of 1/4096; of the last layer, an output
with K rows takes the first K.

PyTorch's Poisson loss leaves out y log y − y, which no gradient knows of; it is added here.
"""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from golden.make import VERSION, written

LAYERS = Path(__file__).with_name("layers.json")
UNIT = 4096
SAMPLES, FEATURES, HIDDEN, MOST_OUTPUTS = 5, 4, (5, 4, 3), 3

ACTIVATIONS = {
    "identity": nn.Identity(),
    "logistic": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "relu": nn.ReLU(),
    "leaky_relu": nn.LeakyReLU(0.01),
}


def log_loss_of_classes(z, y):
    return functional.cross_entropy(z, y, reduction="none")


def log_loss_of_labels(z, y):
    return functional.binary_cross_entropy_with_logits(z, y, reduction="none").sum(1)


def squared_error(z, y):
    return ((z - y) ** 2).sum(1) / 2


def poisson(z, y):
    loss = functional.poisson_nll_loss(z, y, log_input=True, full=False, reduction="none")
    return (loss + torch.xlogy(y, y) - y).sum(1)


# By name: the output, K, and the loss. What is applied to the logits follows from the output.
OUTPUTS = {
    "classes": ("softmax", 3, log_loss_of_classes),
    "two classes": ("logistic", 1, log_loss_of_labels),
    "labels": ("logistic", 3, log_loss_of_labels),
    "values": ("identity", 2, squared_error),
    "counts": ("exp", 2, poisson),
}
APPLIED = {
    "softmax": lambda z: torch.softmax(z, dim=1),
    "logistic": torch.sigmoid,
    "identity": lambda z: z,
    "exp": torch.exp,
}


def main() -> None:
    if torch.__version__.partition("+")[0] != VERSION:
        raise SystemExit(f"This is PyTorch {torch.__version__}; expected {VERSION}.")
    torch.set_num_threads(1)
    figures = {"made by": f"PyTorch {VERSION}"} | content()
    LAYERS.write_text(json.dumps(written(figures), indent=1, ensure_ascii=False) + "\n")


def content() -> dict[str, Any]:
    draw = random.Random(17)
    X = matrix(draw, SAMPLES, FEATURES, 2 * UNIT)
    networks = {layers: initial(draw, layers) for layers in range(1, len(HIDDEN) + 2)}
    targets = {
        "classes": [draw.randrange(3) for _ in range(SAMPLES)],
        "two classes": [draw.randrange(2) for _ in range(SAMPLES)],
        "labels": matrix(draw, SAMPLES, 3, 1, least=0),
        "values": matrix(draw, SAMPLES, 2, 3 * UNIT),
        "counts": matrix(draw, SAMPLES, 2, 3, least=0),
    }
    problems = {
        f"{layers} {'layer' if layers == 1 else 'layers'}, {activation}, {name}": problem(
            X, targets[name], parameters, activation, name
        )
        for layers, parameters in networks.items()
        for activation in (ACTIVATIONS if layers > 1 else ["identity"])
        for name in OUTPUTS
    }
    return {"unit": UNIT, "X": X, "targets": targets, "networks": networks, "problems": problems}


def matrix(draw: random.Random, rows: int, columns: int, most: int, *, least: int | None = None):
    least = -most if least is None else least
    return [[draw.randint(least, most) for _ in range(columns)] for _ in range(rows)]


def initial(draw: random.Random, layers: int) -> list[list[list[int]]]:
    """Draw W1, b1, W2, b2, and so on, as multiples of 1/4096."""
    sizes = (FEATURES, *HIDDEN[: layers - 1], MOST_OUTPUTS)
    shapes = [shape for n, after in pairwise(sizes) for shape in ((after, n), (after, 1))]
    return [matrix(draw, *shape, UNIT) for shape in shapes]


def problem(X, y, parameters, activation: str, name: str) -> dict[str, Any]:
    output, K, loss = OUTPUTS[name]
    numbers = [torch.tensor(array, dtype=torch.float64) / UNIT for array in parameters]
    numbers[-2:] = [array[:K] for array in numbers[-2:]]
    network = nn.Sequential()
    for W, b in zip(numbers[::2], numbers[1::2], strict=True):
        layer = nn.Linear(W.shape[1], W.shape[0], dtype=torch.float64)
        layer.weight, layer.bias = nn.Parameter(W), nn.Parameter(b[:, 0])
        network.extend([layer, ACTIVATIONS[activation]])
    z = network[:-1](torch.tensor(X, dtype=torch.float64) / UNIT)
    cost = loss(z, target(y, name)).mean()
    cost.backward()
    return {
        "layers": len(numbers) // 2,
        "activation": activation,
        "output": output,
        "K": K,
        "targets": name,
        "cost": cost.item(),
        "outputs": APPLIED[output](z).tolist(),
        "gradient": [
            of_each.grad.reshape(len(of_each), -1).tolist() for of_each in network.parameters()
        ],
    }


def target(y, name: str) -> torch.Tensor:
    if name == "classes":
        return torch.tensor(y)
    values = torch.tensor(y, dtype=torch.float64).reshape(SAMPLES, -1)
    return values / UNIT if name == "values" else values


if __name__ == "__main__":
    main()
