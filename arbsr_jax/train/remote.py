"""A workdir on an object store: files are written locally and copied there, by etils.epath, as orbax does.

An object store has no locks and no appending. The process that trains writes its name and the time into an object at
intervals. If that time is long past, the run has died.
"""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType

import jax
from etils import epath

from arbsr_jax.errors import ArbsrError

LOCK = "lock"
STALE = 900.0  # seconds without a sign of life after which a run is given up as dead


def is_remote(name: str) -> bool:
    """Whether a workdir is on an object store."""
    return "://" in name


class Remote:
    """Keeps a local folder and a remote one alike; process 0 of a run does so for all. Use it as a context manager."""

    def __init__(self, place: str, local: Path) -> None:
        self._place, self._local, self._stored = epath.Path(place), local, {}
        self._owner = f"{os.getpid()} on {socket.gethostname()}"
        self._speaks = jax.process_index() == 0

    def __enter__(self) -> Remote:
        if self._speaks:
            self._place.mkdir(parents=True, exist_ok=True)
            self._claim()
        self._fetch()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.store()
        if self._speaks:
            (self._place / LOCK).unlink(missing_ok=True)

    def store(self) -> None:
        """Copy what has changed since the last time."""
        if not self._speaks:
            return
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
        lock = self._place / LOCK
        if lock.exists():
            holder = json.loads(lock.read_text())
            if holder["owner"] != self._owner and time.time() - holder["time"] < STALE:
                busy = f"{self._place}: process {holder['owner']} is training there"
                minutes = f"{STALE / 60:.0f} minutes"
                raise ArbsrError(f"{busy}; stop it, wait {minutes} if it died, or use another --workdir")
        self._sign()

    def _sign(self) -> None:
        (self._place / LOCK).write_text(json.dumps({"owner": self._owner, "time": time.time()}))
