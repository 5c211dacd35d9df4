"""The errors that handgrad raises, and the exit statuses of its command line.

Each error is one sentence with what was found and what to do.
"""

from enum import IntEnum

from handgrad.quoting import escaped


class ExitStatus(IntEnum):
    """What the command line exits with."""

    SUCCESS = 0
    FAILED = 1
    """A job that failed, which one sentence on standard error explains."""
    WRONG_USAGE = 2
    """Arguments that no command takes; typer's own status."""
    INTERRUPTED = 130
    """Ctrl-C before there was a result to keep."""


class HandgradError(Exception):
    """Base class of all errors that handgrad raises on purpose.

    Control characters in the sentence, for example from a file name, are escaped.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(escaped(a) if isinstance(a, str) else a for a in arguments))


class ShapeError(HandgradError, ValueError):
    """An array whose shape or type does not fit the network or its labels."""


class DataError(HandgradError, ValueError):
    """A data source that cannot be read, or does not hold what is expected."""


class ModelFileError(HandgradError, ValueError):
    """A model file that is damaged, from another program, or too new."""


class CheckpointError(HandgradError, ValueError):
    """A checkpoint that is damaged, or does not belong to the run that should continue."""


class ConversionError(HandgradError, ValueError):
    """A network of another library that cannot become one of handgrad, or the other way round."""


class WriteError(HandgradError):
    """A file that cannot be written."""


class EngineError(HandgradError, ValueError):
    """An engine that does not exist or is not installed."""


class TrainingError(HandgradError, RuntimeError):
    """A training run that cannot continue."""


class MissingPackageError(HandgradError, ImportError):
    """An optional package that a feature needs and that is not installed."""


class PageError(HandgradError, RuntimeError):
    """A file of the page that is missing, or that cannot become part of the one-file page."""
