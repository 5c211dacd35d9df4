"""Figures of a run, for reports and notebooks.

Each function returns a figure of matplotlib (extra ``plots``) that a notebook shows and that
``savefig`` writes. No state of pyplot is read or changed.
"""

from handgrad.plots.confusion import confusion_matrix
from handgrad.plots.curves import learning_curves
from handgrad.plots.folder import save_plots
from handgrad.plots.labels import label_bars
from handgrad.plots.predicted import predicted_values
from handgrad.plots.weights import weight_pictures
from handgrad.plots.worst_mistakes import mistakes

__all__ = [
    "confusion_matrix",
    "label_bars",
    "learning_curves",
    "mistakes",
    "predicted_values",
    "save_plots",
    "weight_pictures",
]
