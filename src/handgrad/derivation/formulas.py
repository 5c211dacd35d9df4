"""The formulas of the notes by their ids, as tables and traces show them."""

from __future__ import annotations

from typing import NamedTuple


class Formula(NamedTuple):
    """One line of the notes."""

    id: str
    statement: str
    shapes: str
    meaning: str


FORMULAS = {
    formula.id: formula
    for formula in (
        Formula("F1", "Z1 = W1 · Xᵀ + b1", "H×m = (H×D)(D×m) + (H×1)", "hidden pre-activations"),
        Formula("F2", "A1 = max(0, Z1)", "H×m", "hidden activations: ReLU, entry by entry"),
        Formula("F3", "Z2 = W2 · A1 + b2", "K×m = (K×H)(H×m) + (K×1)", "logits"),
        Formula("F4", "A2 = softmax(Z2)", "K×m", "probabilities, one column per sample"),
        Formula("F5", "ŷ_i = argmax_k A2[k, i]", "m", "prediction: the most probable class"),
        Formula("C1", "C = −(1/m) Σ_i log A2[y_i, i]", "1", "cost: the average loss"),
        Formula("B1", "dZ2 = (A2 − Y)/m", "K×m", "subtract 1 at (y_i, i); Y is never formed"),
        Formula("B2", "dW2 = dZ2 · A1ᵀ", "K×H = (K×m)(m×H)", "gradient of the output weights"),
        Formula("B3", "db2 = Σ_i dZ2[:, i]", "K×1", "gradient of the output biases"),
        Formula("B4", "dA1 = W2ᵀ · dZ2", "H×m = (H×K)(K×m)", "what reaches the hidden units"),
        Formula("B5", "dZ1 = dA1 ⊙ (Z1 > 0)", "H×m", "ReLU mask: only active units pass it on"),
        Formula("B6", "dW1 = dZ1 · X", "H×D = (H×m)(m×D)", "gradient of the hidden weights"),
        Formula("B7", "db1 = Σ_i dZ1[:, i]", "H×1", "gradient of the hidden biases"),
        Formula("U1", "θ ← θ − η dθ", "as θ", "one step of gradient descent"),
    )
}
