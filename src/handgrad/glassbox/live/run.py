"""A run that can be watched, stopped, steered and continued while it trains natively."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from handgrad.engines import Progress
from handgrad.engines.rules import check_learning_rate
from handgrad.errors import HandgradError, TrainingError
from handgrad.glassbox.live.curve import Curve
from handgrad.glassbox.live.replay import Replay
from handgrad.objective import Objective
from handgrad.solvers.history import History
from handgrad.solvers.training import drive, training_driver

if TYPE_CHECKING:
    from collections.abc import Callable

    from handgrad.data import Dataset
    from handgrad.engines import Engine, Session
    from handgrad.jobs.training import TrainingJob
    from handgrad.network import Network
    from handgrad.solvers import Driver, Result

Report: TypeAlias = "Callable[[Progress], bool | None]"


class Snapshot(NamedTuple):
    """What a viewer sees of a run at one moment."""

    network: Network
    iteration: int
    """Steps that led to the network."""
    curve: str
    """JSON, see `Curve.to_json`."""


class Status(NamedTuple):
    """What a run is doing."""

    running: bool
    iteration: int
    iterations: int
    """Steps at which it ends."""
    learning_rate: float
    error: str | None
    """What went wrong, as a sentence."""


class LiveRun:
    """Descends on a data set; meanwhile other threads look at it and steer it.

    Nothing is computed for viewers: the training thread leaves its newest network where they find
    it. A run of less than two seconds is replayed in four; see `Replay`. If it is stopped in its
    replay, the network that is shown is kept. With a new learning rate, the run continues from
    that network.

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
    replayed : bool
        Whether a short run is replayed.
    held : bool
        Whether `start` does nothing until `run` was called once.

    Examples
    --------
    >>> from handgrad import Network, data, get_engine
    >>> dataset = data.load("digits")
    >>> network = Network.initial(features=64, hidden=8, classes=10, seed=0)
    >>> live = LiveRun(
    ...     network, dataset, engine=get_engine(), learning_rate=0.1, iterations=20, replayed=False
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
        replayed: bool = True,
        held: bool = False,
    ) -> None:
        check_learning_rate(learning_rate)
        self.dataset = dataset
        self._engine, self._replayed, self._held = engine, replayed, held
        self._initial = self._network = network
        self._learning_rate = learning_rate
        self._planned = self._target = iterations
        self._iteration = 0
        self._curve = Curve()
        self._curve_shown: str | None = None  # that of a replay, which lags behind
        self._error: str | None = None
        self._running = self._stopping = self._steered = False
        self._driver: Driver | None = None  # of the run under way
        self._replay: Replay[Snapshot] | None = None
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
        """Call the observer, in any thread, whenever there is something new to see."""
        self._observers.append(observer)

    def snapshot(self) -> Snapshot:
        """Return the newest network to show and the curve that led to it."""
        with self._changed:
            curve = self._curve.to_json() if self._curve_shown is None else self._curve_shown
            return Snapshot(self._network, self._iteration, curve)

    def state(self) -> Status:
        """Return what the run is doing."""
        with self._changed:
            return Status(
                self._running, self._iteration, self._target, self._learning_rate, self._error
            )

    def run(self, on_progress: Report | None = None) -> Result:
        """Take the steps in this thread, from the newest network on.

        Parameters
        ----------
        on_progress : callable, optional
            As in `handgrad.solvers.train`; in a replay it is called once more for each picture.

        Returns
        -------
        Result

        Raises
        ------
        TrainingError
            If the run is under way already, or the network is no longer finite.
        """
        self._begin()
        return self._train(on_progress or _nothing)

    def start(self) -> None:
        """Take the steps in a thread of their own, unless the run is under way already."""
        with self._changed:
            if self._held or self._running:
                return
            self._begin()
            self._thread = threading.Thread(target=self._train_alone, name="training")
            self._thread.start()

    def stop(self) -> None:
        """Take no further step."""
        with self._changed:
            self._stopping = True
            self._end_part()

    def set_learning_rate(self, learning_rate: float) -> None:
        """Continue with another η.

        Raises
        ------
        TrainingError
            If it is not above 0.
        """
        check_learning_rate(learning_rate)
        with self._changed:
            self._learning_rate = learning_rate
            if self._replay is not None and self._replay.records:
                self._steered = True  # the next part begins at the network shown
                self._end_part()
            elif self._driver is not None:
                self._driver.learning_rate = learning_rate
        self._tell()

    def reset(self) -> None:
        """Go back to the network that the run began with.

        Raises
        ------
        TrainingError
            If the run is under way.
        """
        with self._changed:
            if self._running:
                raise TrainingError(
                    "The run is under way; stop it before you go back to its beginning."
                )
            self._network, self._iteration, self._target = self._initial, 0, self._planned
            self._curve, self._curve_shown, self._error = Curve(), None, None
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
                raise TrainingError("The run is under way already; stop it before it begins anew.")
            self._running, self._stopping, self._held, self._error = True, False, False, None
            if self._iteration >= self._target:
                self._target = self._iteration + self._planned
        self._tell()

    def _end_part(self) -> None:
        """End the part under way, be it computed or replayed."""
        if self._driver is not None:
            self._driver.stop()
        self._changed.notify_all()

    def _train_alone(self) -> None:
        try:
            self._train(_nothing)
        except HandgradError:
            pass  # `state` tells it to the viewers
        except MemoryError:
            with self._changed:
                self._error = "There is not enough memory for this run."
            self._tell()

    def _train(self, report: Report) -> Result:
        try:
            return self._train_in_parts(report)
        except HandgradError as error:
            with self._changed:
                self._error = str(error)
            raise
        finally:
            with self._changed:
                self._running, self._driver, self._replay = False, None, None
            self._tell()

    def _train_in_parts(self, report: Report) -> Result:
        """Train to the end; a new η in a replay begins another part, at the network shown."""
        X, y = self.dataset.X_train, self.dataset.y_train
        session = self._engine.session(X, y, Objective(self._network.output))
        first, earlier = self._iteration, History(*np.empty((3, 0)))
        while True:
            begin = self._iteration
            part = self._compute(session, earlier, report)
            end = begin + part.iterations
            whole = part._replace(history=earlier.followed_by(part.history), iterations=end - first)
            if self._show_rest(Snapshot(part.last, end, ""), whole.history, report):
                return whole
            earlier = History(*(row[: self._iteration - first] for row in whole.history))
            self._curve.cut(self._iteration)
            if self._stopping:
                return whole._replace(
                    network=self._network,
                    last=self._network,
                    history=earlier,
                    iterations=self._iteration - first,
                    stopped=True,
                )

    def _compute(self, session: Session, earlier: History, report: Report) -> Result:
        """Train to the end at full speed, and record pictures as long as the run may be short."""
        begin, planned = self._iteration, self._target - self._iteration
        size = sum(array.nbytes for array in self._network.parameters)

        def on_progress(progress: Progress) -> bool:
            ends = bool(report(_continued(earlier, progress)))
            with self._changed:
                self._stopping |= ends
                self._curve.add(begin, progress.costs, progress.accuracies)
                self._take(progress.network, begin + len(progress.costs) - 1)
            self._tell()
            return ends

        with self._changed:
            replay = Replay[Snapshot](begin, planned, picture_bytes=size)
            self._replay = replay if self._replayed else None
            self._driver = training_driver(
                self._learning_rate,
                planned,
                on_progress=on_progress,
                stretch=replay.steps_to_next_picture if self._replayed else None,
            )
            self._steered = False
            if self._stopping:
                self._driver.stop()
        return drive(self._driver, session, self._network)

    def _take(self, network: Network, iteration: int) -> None:
        """Leave the newest network where viewers find it, or in a replay the one due now."""
        if self._replay is not None and self._replay.records:
            picture = Snapshot(network, iteration, self._curve.to_json())
            self._network, self._iteration, self._curve_shown = self._replay.record(picture)
        else:
            self._network, self._iteration, self._curve_shown = network, iteration, None

    def _show_rest(self, last: Snapshot, history: History, report: Report) -> bool:
        """Show how a part ended, after a replay if it was short; return False if cut short."""
        with self._changed:
            replay = self._replay
            if replay is not None and not replay.records:
                replay = None
            if self._steered or (self._stopping and replay is not None):
                return False
            self._take(last.network, last.iteration)
        return replay is None or self._play(replay, history, report)

    def _play(self, replay: Replay[Snapshot], history: History, report: Report) -> bool:
        """Show the pictures that are left, each when it is due; return False if cut short."""
        first = self._target - len(history.costs)
        for picture in replay.pictures_left():
            with self._changed:
                wait = replay.seconds_until(picture)
                if self._changed.wait_for(lambda: self._stopping or self._steered, timeout=wait):
                    return False
                self._network, self._iteration, self._curve_shown = picture
            self._tell()
            shown = History(*(row[: max(picture.iteration - first, 1)] for row in history))
            if report(Progress(picture.network, shown.costs, shown.accuracies)):
                self.stop()
        return not self._stopping

    def _tell(self) -> None:
        for observer in self._observers:
            observer()


def _continued(earlier: History, progress: Progress) -> Progress:
    """Return the progress of a part as that of the whole run."""
    if not len(earlier.costs):
        return progress
    costs = np.concatenate([earlier.costs, progress.costs])
    return Progress(
        progress.network, costs, np.concatenate([earlier.accuracies, progress.accuracies])
    )


def _nothing(_progress: Progress) -> None:
    pass
