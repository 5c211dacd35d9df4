"""The formulas of any depth with the numbers of a network's layers, its activations and its output.

L1 of layer 3 reads Z3 = W3 · A2 + b3, and L6 of a tanh layer 2 reads dZ2 = dA2 ⊙ (1 − A2 ⊙ A2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.derivation.formulas import FORMULAS, Formula

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handgrad.data import Predicts
    from handgrad.layers import Activation
    from handgrad.network import Network, Output

ACTIVATED: dict[Activation, str] = {
    "identity": "{Z}",
    "logistic": "1/(1 + exp(−{Z}))",
    "tanh": "tanh({Z})",
    "relu": "max(0, {Z})",
    "leaky_relu": "max(0.01 {Z}, {Z})",
}
SLOPES: dict[Activation, str] = {
    "identity": "1",
    "logistic": "{A} ⊙ (1 − {A})",
    "tanh": "(1 − {A} ⊙ {A})",
    "relu": "({Z} > 0)",
    "leaky_relu": "(1 if {Z} > 0, else 0.01)",
}
NAMES: dict[Activation, str] = {
    "identity": "the identity",
    "logistic": "logistic",
    "tanh": "tanh",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
}
OUTPUTS: dict[Output, str] = {
    "softmax": "softmax({Z})",
    "logistic": "1/(1 + exp(−{Z}))",
    "identity": "{Z}",
    "exp": "exp({Z})",
}
LOSSES: dict[Output, str] = {
    "softmax": "−(1/m) Σ_i log {A}[y_i, i]",
    "logistic": "−(1/m) Σ_i Σ_k (Y log {A} + (1 − Y) log(1 − {A}))",
    "identity": "(1/m) Σ_i Σ_k ½ ({A} − Y)²",
    "exp": "(1/m) Σ_i Σ_k (Y log(Y/{A}) − Y + {A})",
}
TARGETS: dict[Predicts, tuple[str, str]] = {
    "classes": ("m", "labels, as integers"),
    "labels": ("m×K", "1 where a sample has a label, otherwise 0"),
    "values": ("m×K", "the true values, one row per sample"),
}


def numbered_formulas(network: Network) -> dict[str, Formula]:
    """Return the formula of each matrix of a pass by its name; those that are given have no id.

    Examples
    --------
    >>> from handgrad import Network
    >>> network = Network.initial(features=4, hidden=(3, 5), classes=2, activation="tanh")
    >>> formulas = numbered_formulas(network)
    >>> formulas["Z3"].statement, formulas["dZ2"].statement
    ('Z3 = W3 · A2 + b3', 'dZ2 = dA2 ⊙ (1 − A2 ⊙ A2)')
    """
    last = len(network.layers)
    shape, meaning = TARGETS[network.predicts]
    found = {
        "X": Formula("", "X", "m×D", "the samples, one per row"),
        "y": Formula("", "y", shape, meaning),
    }
    for number in range(1, last + 1):
        found |= dict(_of_layer(network, number))
    found |= dict(_of_output(network, f"Z{last}", f"A{last}"))
    return found


def _of_layer(network: Network, number: int) -> Iterator[tuple[str, Formula]]:
    """Yield the matrices of one layer, and of the way back to the layer before."""
    units, inputs = network.layers[number - 1].W.shape
    is_last = number == len(network.layers)
    Z, W, b = f"Z{number}", f"W{number}", f"b{number}"
    before, before_transposed = (
        ("Xᵀ", "X") if number == 1 else (f"A{number - 1}", f"A{number - 1}ᵀ")
    )
    where = f"of layer {number}"
    yield W, Formula("", W, f"{units}×{inputs}", f"weights {where}")
    yield b, Formula("", b, f"{units}×1", f"biases {where}")
    what = "logits" if is_last else f"pre-activations {where}"
    yield Z, Formula("L1", f"{Z} = {W} · {before} + {b}", f"{units}×m", what)
    if not is_last:
        yield from _of_activation(network.layers[number - 1].activation, number, f"{units}×m")
    statement = f"d{W} = d{Z} · {before_transposed}"
    yield f"d{W}", Formula("L3", statement, f"{units}×{inputs}", f"gradient of the weights {where}")
    statement = f"d{b} = Σ_i d{Z}[:, i]"
    yield f"d{b}", Formula("L4", statement, f"{units}×1", f"gradient of the biases {where}")
    if number > 1:
        statement, meaning = f"d{before} = {W}ᵀ · d{Z}", f"what reaches layer {number - 1}"
        yield f"d{before}", Formula("L5", statement, f"{inputs}×m", meaning)


def _of_activation(
    activation: Activation, number: int, shape: str
) -> Iterator[tuple[str, Formula]]:
    Z, A = f"Z{number}", f"A{number}"
    statement = f"{A} = {ACTIVATED[activation].format(Z=Z)}"
    meaning = f"activations of layer {number}: {NAMES[activation]}"
    yield A, Formula("L2", statement, shape, meaning)
    statement = f"d{Z} = d{A} ⊙ {SLOPES[activation].format(Z=Z, A=A)}"
    yield f"d{Z}", Formula("L6", statement, shape, f"times the slope of {NAMES[activation]}")


def _of_output(network: Network, Z: str, A: str) -> Iterator[tuple[str, Formula]]:
    """Yield what follows the logits Z."""
    output, shape = network.output, f"{network.K}×m"
    is_of_values = network.predicts == "values"
    meaning = f"{'values' if is_of_values else 'probabilities'}, one column per sample"
    yield A, Formula("O1", f"{A} = {OUTPUTS[output].format(Z=Z)}", shape, meaning)
    yield "C", Formula("O2", f"C = {LOSSES[output].format(A=A)}", "1", "cost: the average loss")
    meaning = "Y: one column of targets per sample"
    if output == "softmax":
        meaning = FORMULAS["B1"].meaning
    yield f"d{Z}", Formula("O3", f"d{Z} = ({A} − Y)/m", shape, meaning)
    yield "ŷ", _prediction(network, A)


def _prediction(network: Network, A: str) -> Formula:
    if network.output == "softmax":
        return Formula("O4", f"ŷ_i = argmax_k {A}[k, i]", "m", FORMULAS["F5"].meaning)
    if network.predicts == "classes":
        meaning = "prediction: class 1 if its probability is above one half"
        return Formula("O4", f"ŷ = ({A} > ½)", "m", meaning)
    if network.predicts == "labels":
        meaning = "prediction: each label whose probability is above one half"
        return Formula("O4", f"ŷ = ({A} > ½)ᵀ", "m×K", meaning)
    return Formula("O4", f"ŷ = {A}ᵀ", "m×K", "prediction: the values, one row per sample")
