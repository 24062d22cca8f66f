"""The folder of one training run: its lock, and requests to stop the run."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import jax
from jax.experimental import multihost_utils

from arbsr_jax.errors import ArbsrError

LOCK = "lock"


@contextmanager
def locked(workdir: Path) -> Iterator[None]:
    """Keep other runs out of a workdir; the lock goes with the process, however it ends.

    Raises:
      ArbsrError: another run holds it.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    if jax.process_index() != 0:  # the processes of one run share a workdir, process 0 stands for them
        yield
        return
    with (workdir / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            busy = f"{workdir}: process {holder} is training there"
            raise ArbsrError(f"{busy}; stop it, or use another --workdir") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


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
