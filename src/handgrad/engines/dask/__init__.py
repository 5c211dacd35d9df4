"""The Dask engine: the passes over blocks of rows, computed by the workers of a cluster."""

from handgrad.engines.dask.engine import DaskEngine

__all__ = ["DaskEngine"]
