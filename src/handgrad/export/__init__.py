"""Trained networks in forms that other programs and people can use."""

from handgrad.export.html import export_html, own_samples

__all__ = ["export_html", "own_samples"]
