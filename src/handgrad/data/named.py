"""Data sets that have names of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.data import embedded, mnist

if TYPE_CHECKING:
    from collections.abc import Callable

    from handgrad.data.dataset import Parts

USUAL_SOURCE = "mnist-5k"  # of commands that name none
NAMED: dict[str, Callable[[], Parts]] = {
    USUAL_SOURCE: embedded.read_mnist_5k,
    "mnist": mnist.read_mnist,
    "digits": embedded.read_digits,
}
