"""Ctrl-C, and what schedulers and closed terminals send: one line, and the exit code that shells know."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
SHELL = 128  # exit codes above it name a signal


class InterruptedRunError(KeyboardInterrupt):
    """A signal asked the run to end.

    Attributes:
      number: of the signal.
      advice: what was done, and how to go on.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number, self.advice = number, ""

    @property
    def exit_code(self) -> int:
        """As shells have it."""
        return SHELL + self.number

    def __str__(self) -> str:
        return f"stopped; {self.advice}" if self.advice else "stopped"


@contextmanager
def interruptible() -> Iterator[None]:
    """Signals raise `InterruptedRunError` once; the same signal again ends the process at once.

    Python takes signals in its main thread alone; elsewhere they stay as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        for one in SIGNALS:
            signal.signal(one, signal.SIG_DFL)
        raise InterruptedRunError(number)

    ignored = {one for one in SIGNALS if signal.getsignal(one) == signal.SIG_IGN}  # as nohup does for SIGHUP
    before = {one: signal.signal(one, stop) for one in SIGNALS if one not in ignored}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
