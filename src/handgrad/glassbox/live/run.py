"""A run that can be watched, stopped, steered and continued while it trains natively."""

from __future__ import annotations

import math
import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from handgrad.engines import Progress
from handgrad.engines.rules import check_learning_rate
from handgrad.errors import HandgradError, TrainingError
from handgrad.glassbox.live.curve import Curve
from handgrad.glassbox.live.replay import Replay, Snapshot
from handgrad.solvers.training import drive

if TYPE_CHECKING:
    from collections.abc import Callable

    from handgrad.data import BlockDataset, Dataset
    from handgrad.engines import Engine, Session
    from handgrad.network import Network
    from handgrad.solvers import Checkpoints, Driver, History, Result, RunState, Training

Report: TypeAlias = "Callable[[Progress], bool | None]"
NO_MEMORY = "There is not enough memory for this run."


class Status(NamedTuple):
    """What a run is doing."""

    running: bool
    iteration: int
    iterations: int
    """Steps or epochs at which it ends."""
    learning_rate: float | None
    """None if the solver has none."""
    error: str | None
    """What went wrong, as a sentence."""
    unit: str = "step"
    """What an iteration is called: "step" or "epoch"."""


class LiveRun:
    """Trains on a data set; meanwhile other threads look at it and steer it.

    Viewers do not slow the run down: the training thread only leaves its newest snapshot for them.
    A run of less than two seconds is replayed in four; see `Replay`. If it is stopped in its
    replay, the network that is shown is kept. With a new learning rate, the run continues from
    that network.

    The run begins at ``start``, if given. Each further start takes as many more iterations as are
    planned. A run that is ``held`` does not start before `run` was called once.
    """

    def __init__(
        self,
        network: Network,
        dataset: Dataset | BlockDataset,
        *,
        engine: Engine,
        training: Training,
        start: RunState | None = None,
        replayed: bool = True,
        held: bool = False,
    ) -> None:
        self.dataset, self._training = dataset, training
        self._engine, self._replayed, self._held = engine, replayed, held
        self._first = start or training.beginning(network)
        self._go_back()
        rate = self._first.learning_rate
        self._learning_rate = None if math.isnan(rate) else rate
        self._target = training.planned
        self._error: str | None = None
        self._running = self._stopping = self._steered = self._has_run = False
        self._driver: Driver | None = None  # of the run under way
        self._replay: Replay | None = None
        self._changed = threading.Condition()  # guards all of the above
        self._thread: threading.Thread | None = None
        self._observers: list[Callable[[], object]] = []

    def observe(self, observer: Callable[[], object]) -> None:
        """Call the observer, in any thread, whenever there is something new to see."""
        self._observers.append(observer)

    def snapshot(self) -> Snapshot:
        """Return the newest network to show and the curve that led to it."""
        with self._changed:
            return self._shown

    def state(self) -> Status:
        """Return what the run is doing."""
        with self._changed:
            iteration = self._shown.iteration
            return Status(
                self._running,
                iteration,
                self._target,
                self._learning_rate,
                self._error,
                self._training.steps_or_epochs.removesuffix("s"),
            )

    def run(
        self,
        on_progress: Report | None = None,
        checkpoints: Checkpoints | None = None,
        ends: Callable[[], bool] | None = None,
    ) -> Result:
        """Take the iterations in this thread, starting at the newest network.

        The arguments are those of `handgrad.solvers.train`; in a replay, ``on_progress`` is also
        called for each picture. If the run is stopped in its replay, the last state that the
        checkpoints take is that of the network shown. A TrainingError says that the run is under
        way already, or diverges.
        """
        self._begin()
        return self._train(on_progress or _nothing, checkpoints=checkpoints, ends=ends)

    def start(self) -> None:
        """Take the steps in a new thread, unless the run is under way already."""
        with self._changed:
            if self._held or self._running:
                return
            self._begin()
            self._thread = threading.Thread(target=self._train_alone, name="training")
            self._thread.start()

    def stop(self) -> None:
        """Take no further steps."""
        with self._changed:
            self._stopping = True
            self._end_part()

    def set_learning_rate(self, learning_rate: float) -> None:
        """Continue with another η, or raise a TrainingError if it cannot be."""
        if self._learning_rate is None:
            raise TrainingError(
                f"{self._training.solver} has no learning rate: it finds the length of each step "
                "by itself."
            )
        check_learning_rate(learning_rate)
        with self._changed:
            self._learning_rate = learning_rate
            if self._recording is not None:
                self._steered = True  # the next part begins at the network shown
                self._end_part()
            elif self._driver is not None:
                self._driver.learning_rate = learning_rate
        self._tell()

    def reset(self) -> None:
        """Go back to the first network, or raise a TrainingError if the run is under way."""
        with self._changed:
            if self._running:
                raise TrainingError(
                    "The run is under way; stop it before you go back to its beginning."
                )
            self._go_back()
            self._target, self._error = self._training.planned, None
        self._tell()

    def _go_back(self) -> None:
        """Return to the state in which the run began."""
        self._state, history = self._first, self._first.history
        self._curve = Curve()
        self._curve.add(self._training.first, history.costs, history.accuracies)
        self._shown = Snapshot(self._state.network, self._state.iterations, self._curve.to_json())

    def close(self) -> None:
        """Stop, and wait until the thread of `start` has ended."""
        with self._changed:
            self._held = True  # a viewer's Start between these lines would run to its end
            self.stop()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _begin(self) -> None:
        with self._changed:
            if self._running:
                raise TrainingError("The run is under way already; stop it before it begins anew.")
            self._running, self._stopping, self._held, self._error = True, False, False, None
            if self._has_run and self._state.iterations >= self._target:
                self._target = self._state.iterations + self._training.planned
            self._has_run = True
        self._tell()

    @property
    def _recording(self) -> Replay | None:
        """The replay of the part under way, if the part is short or may still be."""
        return self._replay if self._replay is not None and self._replay.records else None

    def _end_part(self) -> None:
        """End the part under way, whether it is computed or replayed."""
        if self._driver is not None:
            self._driver.stop()
        self._changed.notify_all()

    def _train_alone(self) -> None:
        with suppress(HandgradError, MemoryError):  # `state` tells the viewers
            self._train(_nothing)

    def _train(self, report: Report, **options: Any) -> Result:
        try:
            return self._train_in_parts(report, options)
        except (HandgradError, MemoryError) as error:
            no_memory = isinstance(error, MemoryError)
            with self._changed:
                self._error = NO_MEMORY if no_memory else str(error)
                if self._driver is not None:  # continue at the network that is shown
                    self._state = self._driver.state(self._shown.network)
            raise
        finally:
            with self._changed:
                self._running, self._driver, self._replay = False, None, None
            self._tell()

    def _train_in_parts(self, report: Report, options: dict[str, Any]) -> Result:
        """Train to the end; a new η in a replay begins another part, at the network shown."""
        X, y = self.dataset.train
        objective = self._training.objective(self._state.network.output)
        session = self._engine.session(X, y, objective)
        while True:
            part = self._compute(session, report, options)
            if self._show_rest(part, report):
                self._state = part.state
                return part
            network, reached, _ = self._shown
            self._state = part.state.back_at(reached, network)
            self._curve.cut(reached + self._training.first)
            if self._stopping:
                if options.get("checkpoints") is not None:
                    options["checkpoints"].take(self._state)
                return self._cut(part)

    def _cut(self, part: Result) -> Result:
        """Return the result of a part that was stopped in its replay, up to the network shown."""
        state = self._state
        return replace(
            part,
            network=state.network,
            last=state.network,
            stopped=True,
            history=part.history.until(max(state.iterations, 1)),
            iterations=state.iterations,
            state=state,
            memory=state.memory,
        )

    def _compute(self, session: Session, report: Report, options: dict[str, Any]) -> Result:
        """Train to the end at full speed, and record pictures as long as the run may be short.

        The options are those of `Driver`.
        """
        begin, network = self._state.iterations, self._state.network
        planned = self._target - begin
        size = sum(array.nbytes for array in network.parameters)

        def on_progress(progress: Progress) -> bool:
            ends = bool(report(progress))
            with self._changed:
                self._stopping |= ends
                self._curve.add(self._training.first, progress.costs, progress.accuracies)
                self._take(progress.network, driver.taken)
            self._tell()
            return ends

        with self._changed:
            start, stretch, self._replay = self._state, None, None
            if self._learning_rate is not None:
                start = start.with_learning_rate(self._learning_rate)
            if self._replayed and planned > 0:
                replay = self._replay = Replay(begin, planned, picture_bytes=size)
                stretch = partial(_stretch_to_next_picture, replay, begin)
            driver = self._training.driver(
                self._target, on_progress=on_progress, stretch=stretch, start=start, **options
            )
            self._driver, self._steered = driver, False
            if self._stopping:
                driver.stop()
        return drive(driver, self._training.prepare(self._engine), session, network)

    def _take(self, network: Network, iteration: int) -> None:
        """Leave the newest snapshot for the viewers, or in a replay the one that is due now."""
        newest, replay = Snapshot(network, iteration, self._curve.to_json()), self._recording
        self._shown = newest if replay is None else replay.record(newest)

    def _show_rest(self, part: Result, report: Report) -> bool:
        """Show how a part ended, after a replay if it was short; return False if cut short."""
        with self._changed:
            replay = self._recording
            if self._steered or (self._stopping and replay is not None):
                return False
            self._take(part.last, part.iterations)
        return replay is None or self._play(replay, part.history, report)

    def _play(self, replay: Replay, history: History, report: Report) -> bool:
        """Show the pictures that are left, each when it is due; return False if cut short."""
        for picture in replay.pictures_left():
            with self._changed:
                wait = replay.seconds_until(picture)
                if self._changed.wait_for(lambda: self._stopping or self._steered, timeout=wait):
                    return False
                self._shown = picture
            self._tell()
            shown = history.until(max(picture.iteration, 1))
            if report(Progress(picture.network, shown.costs, shown.accuracies)):
                self.stop()
        return not self._stopping

    def _tell(self) -> None:
        for observer in self._observers:
            observer()


def _stretch_to_next_picture(replay: Replay, begin: int, taken: int) -> int:
    return replay.steps_to_next_picture(taken - begin)


def _nothing(_progress: Progress) -> None:
    pass
