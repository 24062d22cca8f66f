"""Requests to stop a run."""

from __future__ import annotations

import signal
from types import FrameType

import jax
from jax.experimental import multihost_utils


class Preempted(Exception):  # noqa: N818 (no error: SIGTERM stopped the run, and its state is saved)
    """The run ended early because of SIGTERM."""


class StopRequest:
    """Notices SIGTERM, so that the loop can save at the end of its step; use it as a context manager."""

    def __init__(self) -> None:
        self._asked = False

    def __enter__(self) -> StopRequest:
        # In a run of several processes JAX listens itself, so that all stop after the same step.
        self._previous = signal.signal(signal.SIGTERM, self._note) if jax.process_count() == 1 else None
        return self

    def __exit__(self, *unused: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGTERM, self._previous)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._asked = True

    def after(self, step: int) -> bool:
        """Whether the run should end after `step`; the same answer in all processes."""
        return self._asked if jax.process_count() == 1 else multihost_utils.reached_preemption_sync_point(step)
