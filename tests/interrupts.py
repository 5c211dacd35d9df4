"""Ctrl-C at a known moment of a run of the command line."""

from __future__ import annotations

import signal
from contextlib import contextmanager


def interrupting(monkeypatch, *reports):
    """Press Ctrl-C at some of the reports of progress, counted from 1."""

    @contextmanager
    def training_progress(_iterations, asked):
        seen = []

        def show(progress):
            seen.append(progress)
            for _ in range(reports.count(len(seen))):
                signal.raise_signal(signal.SIGINT)
            return asked.is_set()

        yield show

    monkeypatch.setattr("handgrad.cli.terminal.training_progress", training_progress)
