"""The command line: thin commands over the jobs of the library, one module each."""

from handgrad.cli import check, evaluate, export, info, predict, studio, trace, train
from handgrad.cli.app import app

__all__ = ["app", "check", "evaluate", "export", "info", "predict", "studio", "trace", "train"]
