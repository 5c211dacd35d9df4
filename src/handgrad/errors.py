"""The errors that handgrad raises: each says in one sentence what was found and what to do."""

from handgrad.quoting import escaped


class HandgradError(Exception):
    """Base of every error that handgrad raises on purpose.

    Control characters in its sentence, of the name of a file for example, are escaped.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(escaped(a) if isinstance(a, str) else a for a in arguments))


class ShapeError(HandgradError, ValueError):
    """An array whose shape or type does not fit the network or its labels."""


class DataError(HandgradError, ValueError):
    """A data source that cannot be read, or does not hold what it should."""


class ModelFileError(HandgradError, ValueError):
    """A model file that is damaged, foreign, or too new."""


class WriteError(HandgradError):
    """A file that cannot be written."""


class EngineError(HandgradError, ValueError):
    """An engine that does not exist or is not installed."""


class TrainingError(HandgradError, RuntimeError):
    """A training run that cannot go on."""


class MissingPackageError(HandgradError, ImportError):
    """An optional package that a feature needs and that is not installed."""


class PageError(HandgradError, RuntimeError):
    """A file of the page that is missing, or that cannot be put into one file."""
