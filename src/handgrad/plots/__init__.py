"""Figures of a run, for reports and notebooks."""

from handgrad.plots.plots import (
    confusion_matrix,
    learning_curves,
    mistakes,
    save_plots,
    weight_pictures,
)

__all__ = ["confusion_matrix", "learning_curves", "mistakes", "save_plots", "weight_pictures"]
