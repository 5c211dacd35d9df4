"""Writes figures.json: what PyTorch's autograd and its optimisers make of a few small problems.

    pip install torch==2.13.0 && python tests/golden/make.py

This file imports nothing of handgrad. Everything is computed in float64. The rows, weights and
initial values are multiples of 1/4096, which float32 holds exactly, so that engines of either type
start from the same numbers. Figures are written with all their bits. The same processor gives the
same file again; another one may add in another order, and change a last bit.

PyTorch's definitions, and what is done where they differ from ours:

- SGD keeps a velocity without the learning rate, which is ours divided by -η while η stays the
  same. It stays the same here.
- Adam adds ε to the root of the second moment after that was divided by √(1 - β₂ᵗ); we, like
  scikit-learn, add it before. So step t is given ε / √(1 - β₂ᵗ), which makes the two equal.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch

FIGURES = Path(__file__).with_name("figures.json")
VERSION = "2.13.0"
NAMES = ("W1", "b1", "W2", "b2")
LEARNING_RATE, STEPS, ALPHA = 0.25, 10, 0.5
BATCH, EPOCHS = 6, 2

RULES = {
    "sgd": {"learning_rate": 0.125},
    "momentum": {"learning_rate": 0.0625, "momentum": 0.875},
    "nesterov": {"learning_rate": 0.0625, "momentum": 0.875, "nesterov": True},
    "adam": {"learning_rate": 0.015625, "beta_1": 0.875, "beta_2": 0.984375, "epsilon": 1e-8},
    "adam, large epsilon": {
        "learning_rate": 0.03125,
        "beta_1": 0.5,
        "beta_2": 0.75,
        "epsilon": 0.0078125,
    },
}


def main() -> None:
    if torch.__version__.partition("+")[0] != VERSION:
        raise SystemExit(f"This is PyTorch {torch.__version__}; expected {VERSION}.")
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    problems = {
        "pixels": problem(1, m=21, D=13, H=7, K=5, pixels=True, batched=True),
        "numbers": problem(2, m=21, D=13, H=7, K=5),
        "weighted pixels": problem(3, m=19, D=6, H=5, K=3, pixels=True, weighted=True),
        "weighted numbers": problem(4, m=19, D=6, H=5, K=3, weighted=True, batched=True),
        "two classes": problem(5, m=17, D=5, H=3, K=2, batched=True),
        "wider than a vector": problem(6, m=23, D=9, H=17, K=11),
        "one of each": problem(7, m=1, D=1, H=1, K=1),
        "one logistic unit": logistic(problem(5, m=17, D=5, H=3, K=2)),
    }
    content = {"made by": f"PyTorch {VERSION}", "problems": problems}
    FIGURES.write_text(json.dumps(written(content), indent=1, ensure_ascii=False) + "\n")


def problem(
    seed: int,
    *,
    m: int,
    D: int,
    H: int,
    K: int,
    pixels: bool = False,
    weighted: bool = False,
    batched: bool = False,
) -> dict[str, Any]:
    draw = random.Random(seed)
    X, y = rows(draw, m, D, pixels=pixels), [draw.randrange(K) for _ in range(m)]
    weights = [float(draw.randrange(4)) for _ in range(m)] if weighted else None
    initial = [
        torch.tensor([[draw.randint(-4096, 4096) / 4096 for _ in range(columns)] for _ in range(n)])
        for n, columns in ((H, D), (H, 1), (K, H), (K, 1))
    ]
    inputs = (torch.tensor(X) / 255 if pixels else torch.tensor(X), torch.tensor(y))
    shares = torch.ones(m) if weights is None else torch.tensor(weights)
    found = {"X": X, "y": y, "weights": weights, "initial": named(initial)}
    found |= first_gradient(initial, *inputs, shares)
    found["descent"] = descent(initial, *inputs, shares)
    if batched:
        order = [*draw.sample(range(m), m), *draw.sample(range(m), m)]
        found["batches"] = {
            name: batches(initial, *inputs, shares, order=order, **rule)
            for name, rule in RULES.items()
        }
    return found


def rows(draw: random.Random, m: int, D: int, *, pixels: bool) -> list[list[Any]]:
    """Rows of which a third of the numbers are 0."""
    return [[draw.choice((0, 1, 1)) * number(draw, pixels) for _ in range(D)] for _ in range(m)]


def number(draw: random.Random, pixels: bool) -> float:
    return draw.randint(0, 255) if pixels else draw.randint(-8192, 8192) / 4096


def logits(parameters, X):
    W1, b1, W2, b2 = parameters
    return torch.relu(X @ W1.T + b1.T) @ W2.T + b2.T


def cost_of(parameters, X, y, shares):
    """Σ w_i loss_i / Σ w; nothing where no row has a weight."""
    losses = torch.nn.functional.cross_entropy(logits(parameters, X), y, reduction="none")
    return losses @ (shares / (shares.sum() if shares.any() else 1))


def penalty_of(parameters, shares):
    """α Σ W² / 2 Σ w."""
    squares = (parameters[0] ** 2).sum() + (parameters[2] ** 2).sum()
    return ALPHA * squares / (2 * shares.sum()) if shares.any() else torch.tensor(0.0)


def copies(initial):
    return [array.clone().requires_grad_() for array in initial]


def first_gradient(initial, X, y, shares) -> dict[str, Any]:
    parameters = copies(initial)
    cost = cost_of(parameters, X, y, shares)
    cost.backward()
    with torch.no_grad():
        probabilities = torch.softmax(logits(parameters, X), dim=1)
    return {
        "cost": cost.item(),
        "gradient": named([array.grad for array in parameters]),
        "probabilities": probabilities.tolist(),
    }


def descent(initial, X, y, shares) -> dict[str, Any]:
    parameters = copies(initial)
    optimiser = torch.optim.SGD(parameters, lr=LEARNING_RATE)
    costs = [step(optimiser, parameters, X, y, shares) for _ in range(STEPS)]
    return {
        "learning_rate": LEARNING_RATE,
        "alpha": ALPHA,
        "costs": costs,
        "final": named(parameters),
    }


def step(optimiser, parameters, X, y, shares) -> float:
    """Take a step, and return the cost before it."""
    optimiser.zero_grad()
    cost = cost_of(parameters, X, y, shares) + penalty_of(parameters, shares)
    cost.backward()
    optimiser.step()
    return float(cost.item())


def batches(initial, X, y, shares, *, order, **rule) -> dict[str, Any]:
    parameters = copies(initial)
    optimiser = optimiser_of(parameters, **rule)
    m, costs, steps = len(y), [], 0
    for epoch in (order[:m], order[m:]):
        for start in range(0, m, BATCH):
            steps += 1
            if "epsilon" in rule:
                root = (1 - rule["beta_2"] ** steps) ** 0.5
                optimiser.param_groups[0]["eps"] = rule["epsilon"] / root
            batch = torch.tensor(epoch[start : start + BATCH])
            costs.append(step(optimiser, parameters, X[batch], y[batch], shares[batch]))
    return {
        "rule": rule,
        "alpha": ALPHA,
        "batch_size": BATCH,
        "orders": [order[:m], order[m:]],
        "costs": costs,
        "final": named(parameters),
    }


def optimiser_of(parameters, *, learning_rate: float, **rule) -> torch.optim.Optimizer:
    if "epsilon" in rule:
        betas = (rule["beta_1"], rule["beta_2"])
        return torch.optim.Adam(parameters, lr=learning_rate, betas=betas)
    return torch.optim.SGD(parameters, lr=learning_rate, **rule)


def logistic(found: dict[str, Any]) -> dict[str, Any]:
    """Descend with two classes as one unit whose cost is the binary cross-entropy."""
    X, y = torch.tensor(found["X"]), torch.tensor(found["y"], dtype=torch.float64)
    initial = [torch.tensor(array) for array in found["initial"].values()]
    initial[2][0], initial[3][0] = 0, 0  # class 0 has the logit 0
    parameters = copies([initial[0], initial[1], initial[2][1:], initial[3][1:]])
    optimiser = torch.optim.SGD(parameters, lr=LEARNING_RATE)
    costs = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        z = logits(parameters, X)[:, 0]
        cost = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
        cost.backward()
        optimiser.step()
        costs.append(cost.item())
    with torch.no_grad():
        final = [*parameters[:2], *(torch.cat((torch.zeros_like(p), p)) for p in parameters[2:])]
    return {
        "X": found["X"],
        "y": found["y"],
        "initial": named(initial),
        "logistic descent": {
            "learning_rate": LEARNING_RATE,
            "costs": costs,
            "final": named(final),
        },
    }


def named(arrays) -> dict[str, Any]:
    return {name: array.tolist() for name, array in zip(NAMES, arrays, strict=True)}


def written(value):
    """Write a list of numbers as one text, and each fraction with all its bits."""
    if isinstance(value, dict):
        return {name: written(part) for name, part in value.items()}
    if isinstance(value, list) and value and not isinstance(value[0], list):
        return " ".join(str(written(number)) for number in value)
    if isinstance(value, list):
        return [written(part) for part in value]
    return value.hex() if isinstance(value, float) else value


if __name__ == "__main__":
    main()
