"""scikit-learn's callbacks: a fit is a task, and each of its iterations is a task within it.

scikit-learn has them from version 1.9 on. With an earlier one, estimators have no `set_callbacks`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """The base class of estimators in a scikit-learn that has no callbacks."""

    def _with_callbacks(method: Any) -> Any:
        return method


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handgrad.solvers import Iteration

__all__ = ["CallbackSupportMixin", "FitTask", "fit_task", "with_callbacks"]


Method = TypeVar("Method", bound="Callable[..., Any]")


def with_callbacks(method: Method) -> Method:
    """Return a method that tears down the estimator's callbacks at its end, even if it fails."""
    decorated: Method = _with_callbacks(method)
    return decorated


@dataclass(eq=False)
class FitTask:
    """A fit that tells callbacks when it and each of its iterations begin and end."""

    estimator: Any
    context: Any
    """The callback context of the fit; None without callbacks."""
    iterations: int
    samples: dict[str, Any]
    """X, y and metadata, as callbacks take them."""
    _of_iteration: Any = None

    @property
    def is_watched(self) -> bool:
        """Whether there are callbacks."""
        return self.context is not None and bool(getattr(self.estimator, "_skl_callbacks", ()))

    def begin_iteration(self) -> None:
        """Tell the callbacks that an iteration begins."""
        if self.is_watched:
            self._of_iteration = self.context.subcontext(task_name="iteration")
            self._of_iteration.call_on_fit_task_begin(estimator=self.estimator, **self.samples)

    def end_iteration(self, iteration: Iteration, attributes: Callable[[], dict[str, Any]]) -> bool:
        """Tell the callbacks that an iteration has ended; return whether one of them ends the fit.

        ``attributes`` returns the fitted attributes as they are after this iteration.
        """
        if not self.is_watched:
            return False
        stops = self._of_iteration.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=attributes, **self.samples
        )
        self._of_iteration = None
        if not stops and iteration.iteration < self.iterations:
            self.begin_iteration()
        return bool(stops)

    def end(self) -> None:
        """Tell the callbacks that the fit has ended; an iteration that was begun ends first."""
        if self._of_iteration is not None:
            self._of_iteration.call_on_fit_task_end(estimator=self.estimator)
        if self.context is not None:
            self.context.call_on_fit_task_end(
                estimator=self.estimator, reconstruction_attributes={}, **self.samples
            )


@contextmanager
def fit_task(
    estimator: Any, X: Any, y: Any, sample_weight: Any, iterations: int
) -> Iterator[FitTask]:
    """Tell the callbacks of an estimator when a fit begins, and when it has ended."""
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    samples = {"X": X, "y": y, "metadata": metadata}
    task = FitTask(estimator, None, iterations, samples)
    if hasattr(estimator, "_init_callback_context"):
        task.context = estimator._init_callback_context(max_subtasks=iterations)  # noqa: SLF001
        task.context.call_on_fit_task_begin(estimator=estimator, **samples)
    yield task
    task.end()
