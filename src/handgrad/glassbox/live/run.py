"""A run that can be watched, stopped, steered and gone on with while it trains natively."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from handgrad.engines.rules import check_learning_rate
from handgrad.errors import HandgradError, TrainingError
from handgrad.glassbox.live.curve import Curve
from handgrad.glassbox.live.pace import Pace
from handgrad.training import Stretch, TrainingRun, train_in_stretches

if TYPE_CHECKING:
    from collections.abc import Callable

    from handgrad.data import Dataset
    from handgrad.engines import Engine, Progress
    from handgrad.jobs.training import TrainingJob
    from handgrad.network import Network


class Snapshot(NamedTuple):
    """What is to be seen of a run at one moment."""

    network: Network
    iteration: int
    """Steps that led to the network."""
    curve: str
    """JSON, see `Curve.to_json`."""


class State(NamedTuple):
    """What a run is doing."""

    running: bool
    iteration: int
    iterations: int
    """Steps at which it ends."""
    learning_rate: float
    error: str | None
    """What went wrong, as a sentence."""


class LiveRun:
    """Descends on a data set; other threads look at it and steer it meanwhile.

    Nothing is computed for those who look: the training thread leaves its newest network where
    they find it.

    Parameters
    ----------
    network : Network
        Where to start.
    dataset : Dataset
    engine : Engine
    learning_rate : float
        η, above 0.
    iterations : int
        Number of steps; each further start adds as many.
    paced : bool
        Whether to show a run that would be over in a moment more slowly; see `Pace`.
    held : bool
        Whether `start` leaves the run alone until `run` was called once.

    Examples
    --------
    >>> from handgrad import Network, data, get_engine
    >>> dataset = data.load("digits")
    >>> network = Network.initial(features=64, hidden=8, classes=10, seed=0)
    >>> live = LiveRun(
    ...     network, dataset, engine=get_engine(), learning_rate=0.1, iterations=20, paced=False
    ... )
    >>> live.run().iterations
    20
    >>> live.state().iteration
    20
    """

    def __init__(
        self,
        network: Network,
        dataset: Dataset,
        *,
        engine: Engine,
        learning_rate: float,
        iterations: int,
        paced: bool = True,
        held: bool = False,
    ) -> None:
        check_learning_rate(learning_rate)
        self.dataset = dataset
        self._engine, self._paced, self._held = engine, paced, held
        self._initial = self._network = network
        self._learning_rate = learning_rate
        self._planned = self._target = iterations
        self._iteration = 0
        self._curve = Curve()
        self._error: str | None = None
        self._running = False
        self._stopping = False
        self._changed = threading.Condition()  # guards all of the above
        self._thread: threading.Thread | None = None
        self._observers: list[Callable[[], object]] = []

    @classmethod
    def of(cls, job: TrainingJob, *, held: bool = False) -> LiveRun:
        """Return the run of a job of training."""
        return cls(
            job.network,
            job.dataset,
            engine=job.engine,
            learning_rate=job.settings["learning_rate"],
            iterations=job.iterations,
            held=held,
        )

    def observe(self, observer: Callable[[], object]) -> None:
        """Call the observer, in whatever thread, whenever there is something new to be seen."""
        self._observers.append(observer)

    def snapshot(self) -> Snapshot:
        """Return the newest network and the curve that led to it."""
        with self._changed:
            return Snapshot(self._network, self._iteration, self._curve.to_json())

    def state(self) -> State:
        """Return what the run is doing."""
        with self._changed:
            return State(
                self._running, self._iteration, self._target, self._learning_rate, self._error
            )

    def run(self, on_progress: Callable[[Progress], bool | None] | None = None) -> TrainingRun:
        """Take the steps in this thread, from the newest network on.

        Parameters
        ----------
        on_progress : callable, optional
            As in `handgrad.training.train`.

        Returns
        -------
        TrainingRun

        Raises
        ------
        TrainingError
            If the run goes on already, or the cost is no longer finite.
        """
        self._begin()
        return self._descend(on_progress)

    def start(self) -> None:
        """Take the steps in a thread of their own, unless the run goes on already."""
        with self._changed:
            if self._held or self._running:
                return
            self._begin()
            self._thread = threading.Thread(target=self._descend_alone, name="training")
            self._thread.start()

    def stop(self) -> None:
        """Take no further step."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def set_learning_rate(self, learning_rate: float) -> None:
        """Go on with another η.

        Raises
        ------
        TrainingError
            If it is not above 0.
        """
        check_learning_rate(learning_rate)
        with self._changed:
            self._learning_rate = learning_rate
            self._changed.notify_all()
        self._tell()

    def reset(self) -> None:
        """Go back to the network that the run began with.

        Raises
        ------
        TrainingError
            If the run goes on.
        """
        with self._changed:
            if self._running:
                raise TrainingError("The run goes on; stop it before you go back to its beginning.")
            self._network, self._iteration, self._target = self._initial, 0, self._planned
            self._curve, self._error = Curve(), None
        self._tell()

    def close(self) -> None:
        """Stop, and wait until no step is under way in a thread of its own."""
        self.stop()
        with self._changed:
            self._held = True
            thread = self._thread
        if thread is not None:
            thread.join()

    def _begin(self) -> None:
        with self._changed:
            if self._running:
                raise TrainingError("The run goes on already; stop it before it begins anew.")
            self._running, self._stopping, self._held, self._error = True, False, False, None
            if self._iteration >= self._target:
                self._target = self._iteration + self._planned
        self._tell()

    def _descend_alone(self) -> None:
        try:
            self._descend(None)
        except HandgradError:
            pass  # it is told to those who look, by `state`
        except MemoryError:
            with self._changed:
                self._error = "There is not enough memory for this run."
            self._tell()

    def _descend(self, on_progress: Callable[[Progress], bool | None] | None) -> TrainingRun:
        course = _Course(self._target - self._iteration, self._iteration)
        pace = Pace(course.planned, wait=self._wait) if self._paced else None

        def next_stretch(steps: int) -> Stretch | None:
            if steps >= course.planned or (course.begun and course.stopped):
                return None
            course.begun = True
            count = course.planned - steps if pace is None else pace.steps(steps)
            with self._changed:
                course.learning_rate = self._learning_rate
            return Stretch(course.learning_rate, count)

        def report(progress: Progress) -> bool:
            wanted = bool(on_progress(progress)) if on_progress is not None else False
            with self._changed:
                self._take(progress, course)
                course.stopped = wanted or self._stopping
                steered = course.learning_rate != self._learning_rate
            self._tell()
            return course.stopped or steered

        try:
            run = train_in_stretches(
                self._network,
                self.dataset.X_train,
                self.dataset.y_train,
                engine=self._engine,
                next_stretch=next_stretch,
                on_progress=report,
            )
            with self._changed:
                self._network, self._iteration = run.last, course.first + run.iterations
        except HandgradError as error:
            with self._changed:
                self._error = str(error)
            raise
        finally:
            with self._changed:
                self._running = False
            self._tell()
        return run

    def _take(self, progress: Progress, course: _Course) -> None:
        """Leave the newest figures where others find them."""
        measured = len(progress.costs)
        new = slice(course.measured, measured)
        self._curve.add(
            course.first + course.measured, progress.costs[new], progress.accuracies[new]
        )
        course.measured = measured
        self._network, self._iteration = progress.network, course.first + measured - 1

    def _wait(self, seconds: float) -> None:
        with self._changed:
            before = self._learning_rate
            self._changed.wait_for(
                lambda: self._stopping or self._learning_rate != before, timeout=seconds
            )

    def _tell(self) -> None:
        for observer in self._observers:
            observer()


class _Course:
    """How far one run has come."""

    def __init__(self, planned: int, first: int) -> None:
        self.planned, self.first = planned, first
        self.learning_rate = 0.0
        self.measured = 0
        self.begun = self.stopped = False
