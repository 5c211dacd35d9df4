"""A trained network in the forms in which others use it."""

from handgrad.export.html import export_html, own_samples

__all__ = ["export_html", "own_samples"]
