"""Requests to stop a run."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import jax
from jax.experimental import multihost_utils


class Preempted(Exception):  # noqa: N818 (no error: a signal stopped the run, and its state is saved)
    """The run ended early because of a signal.

    Attributes:
      exit_code: as shells count it, 128 and the number of the signal.
    """

    def __init__(self, step: int, number: int) -> None:
        super().__init__(f"stopped at step {step}")
        self.exit_code = 128 + number


class StopRequest:
    """Notices SIGTERM and Ctrl-C, so that the loop can save at the end of its step; use it as a context manager.

    Attributes:
      signal: that asked to stop; 0: none did.
    """

    def __init__(self) -> None:
        self.signal = 0

    def __enter__(self) -> StopRequest:
        # In a run of several processes JAX listens to SIGTERM itself, so that all stop after the same step.
        numbers = [signal.SIGINT, signal.SIGTERM] if jax.process_count() == 1 else []
        self._previous = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, *unused: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGINT:
            print("stopping after this step; Ctrl-C again ends at once, unsaved", file=sys.stderr)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        self.signal = number

    def after(self, step: int) -> bool:
        """Whether the run should end after `step`; the same answer in all processes."""
        if jax.process_count() == 1:
            return bool(self.signal)
        if multihost_utils.reached_preemption_sync_point(step):
            self.signal = signal.SIGTERM
        return bool(self.signal)
