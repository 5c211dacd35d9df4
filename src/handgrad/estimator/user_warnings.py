"""Warnings that name the line of the user's program."""

from __future__ import annotations

import sys
import warnings

OURS = ("handgrad.", "sklearn.callback.")  # scikit-learn wraps the methods that take callbacks


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn with the line that called the estimator, however many calls lie between."""
    depth, frame = 2, sys._getframe(1)  # noqa: SLF001
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(OURS):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, category, stacklevel=depth)
