"""The formulas as text, as sums over samples, and checked by machine."""
