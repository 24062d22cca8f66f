"""A workdir on an object store: files are written locally and copied there, by etils.epath, as orbax does.

An object store has no locks and no appending. The process that trains keeps an object there with its name and the
time, which it writes again every minute. If that time is long past, the run has died and another may take the place.
Nothing is written, and no lock removed, before the object has been found to be the run's own.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from pathlib import Path
from types import TracebackType

import jax
from etils import epath

from arbsr_jax.errors import ArbsrError

LOCK = "lock"
BEAT = 60.0  # seconds between signs of life
STALE = 900.0  # seconds without one after which a run is given up as dead


def is_remote(name: str) -> bool:
    """Whether a workdir is on an object store."""
    return "://" in name


class Remote:
    """Keeps a local folder and a remote one alike; process 0 of a run does so for all. Use it as a context manager."""

    def __init__(self, place: str, local: Path) -> None:
        self._place, self._local, self._stored = epath.Path(place), local, {}
        self._owner = f"{os.getpid()} on {socket.gethostname()}, run {secrets.token_hex(4)}"
        self._speaks = jax.process_index() == 0
        self._ended, self._heart = threading.Event(), threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Remote:
        if self._speaks:
            self._place.mkdir(parents=True, exist_ok=True)
            self._claim()
            self._heart.start()
        self._fetch()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._speaks:
            return
        self._ended.set()
        self._heart.join()
        if self._holder() == self._owner:
            self.store()
            (self._place / LOCK).unlink(missing_ok=True)

    def store(self) -> None:
        """Copy what has changed since the last time.

        Raises:
          ArbsrError: another run has taken the place.
        """
        if not self._speaks:
            return
        self._refuse_if_taken()
        self._sign()
        for path in sorted(self._local.rglob("*")):
            state = path.stat().st_mtime_ns, path.stat().st_size
            if path.is_file() and self._stored.get(path) != state:
                target = self._place / path.relative_to(self._local).as_posix()
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
                self._stored[path] = state

    def _fetch(self) -> None:
        """The files, not the folders, that an earlier start left: log, config, models."""
        for source in self._place.iterdir() if self._place.exists() else ():
            if source.name != LOCK and not source.is_dir():
                target = self._local / source.name
                target.write_bytes(source.read_bytes())
                self._stored[target] = target.stat().st_mtime_ns, target.stat().st_size

    def _claim(self) -> None:
        """Take the place, if no living run has it.

        Raises:
          ArbsrError: one has.
        """
        owner, signed = self._signature()
        if owner is not None and time.time() - signed < STALE:
            busy = f"{self._place}: process {owner} is training there"
            minutes = f"{STALE / 60:.0f} minutes"
            raise ArbsrError(f"{busy}; stop it, wait {minutes} if it died, or use another --workdir")
        self._sign()
        self._refuse_if_taken()  # of two that start together the last to write has it

    def _refuse_if_taken(self) -> None:
        owner = self._holder()
        if owner != self._owner:
            raise ArbsrError(f"{self._place}: process {owner} has taken this place; stop it, or use another --workdir")

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            try:
                if self._holder() != self._owner:
                    return  # the next `store` says so
                self._sign()
            except OSError:  # the store is out of reach for once
                continue

    def _holder(self) -> str | None:
        return self._signature()[0]

    def _signature(self) -> tuple[str | None, float]:
        """Who signed last, and when; (None, 0) where nobody has, or what is there cannot be read."""
        lock = self._place / LOCK
        try:
            signed = json.loads(lock.read_text()) if lock.exists() else {}
            return signed.get("owner"), float(signed.get("time", 0))
        except (ValueError, AttributeError, FileNotFoundError):
            return None, 0.0

    def _sign(self) -> None:
        (self._place / LOCK).write_text(json.dumps({"owner": self._owner, "time": time.time()}))
