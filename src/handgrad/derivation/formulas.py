"""The formulas of the notes and of any depth by their ids, as tables and traces show them."""

from __future__ import annotations

from typing import NamedTuple


class Formula(NamedTuple):
    """One line of the notes, or of docs/derivation.md."""

    id: str
    statement: str
    shapes: str
    meaning: str


def _by_id(*formulas: Formula) -> dict[str, Formula]:
    return {formula.id: formula for formula in formulas}


FORMULAS = _by_id(
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

# Layer l has n_l units; L is the last layer, and A_0 is Xᵀ.
LAYER_FORMULAS = _by_id(
    Formula("L1", "Z_l = W_l · A_{l−1} + b_l", "n_l×m", "pre-activations of layer l"),
    Formula("L2", "A_l = g(Z_l)", "n_l×m", "activations of a hidden layer, entry by entry"),
    Formula("L3", "dW_l = dZ_l · A_{l−1}ᵀ", "n_l×n_{l−1}", "gradient of the weights"),
    Formula("L4", "db_l = Σ_i dZ_l[:, i]", "n_l×1", "gradient of the biases"),
    Formula("L5", "dA_{l−1} = W_lᵀ · dZ_l", "n_{l−1}×m", "what reaches the layer before"),
    Formula("L6", "dZ_{l−1} = dA_{l−1} ⊙ g′", "n_{l−1}×m", "g′ is the slope of g at Z_{l−1}"),
)

ACTIVATION_FORMULAS = _by_id(
    Formula("G1", "g = z, g′ = 1", "as z", "identity"),
    Formula("G2", "g = 1/(1 + exp(−z)), g′ = a (1 − a)", "as z", "logistic; a is g(z)"),
    Formula("G3", "g = tanh z, g′ = 1 − a²", "as z", "tanh"),
    Formula("G4", "g = max(0, z), g′ = (a > 0)", "as z", "ReLU"),
    Formula("G5", "g = max(0.01 z, z), g′ = 1 or 0.01", "as z", "leaky ReLU: 1 if a > 0"),
)

OUTPUT_FORMULAS = _by_id(
    Formula("O1", "A_L = output(Z_L)", "K×m", "probabilities or values"),
    Formula("O2", "C = (1/m) Σ_i loss(A_L[:, i], y_i)", "1", "cost: the average loss"),
    Formula("O3", "dZ_L = (A_L − Y)/m", "K×m", "the same for every output with its loss"),
    Formula("O4", "ŷ_i from A_L[:, i]", "m or m×K", "prediction: a class, labels or values"),
)

ALL_FORMULAS = FORMULAS | LAYER_FORMULAS | ACTIVATION_FORMULAS | OUTPUT_FORMULAS
