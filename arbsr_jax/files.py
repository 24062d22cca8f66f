"""Files that nobody ever finds half written, claims that processes make, and JSON that every parser reads."""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from arbsr_jax.errors import ArbsrError

STREAM = "-"  # what stands for standard output as a file name
PARTIAL = ".partial"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary name to write to: it becomes `path` once everything is written, and is removed if that fails.

    A link stays: the file that it leads to is written. What killed runs of this machine left of `path` is removed.

    Raises:
      ArbsrError: the name is that of a pipe, a device or a folder.
    """
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    if path.exists() and not path.is_file():
        raise ArbsrError(f"{path}: no plain file; give another name")
    # Names can be as long as is allowed; folders can be shared by machines.
    short = _short(path.name, 8)
    start = f".{short}.{_short(socket.gethostname(), 4)}."
    for left in path.parent.glob(f"{start}*{PARTIAL}"):
        if not _is_running(left.name.removeprefix(start).removesuffix(PARTIAL)):
            left.unlink(missing_ok=True)
    partial = path.with_name(f"{start}{os.getpid()}{PARTIAL}")
    try:
        yield partial
        with partial.open("rb") as written:  # after a power cut the name holds all or nothing
            os.fsync(written.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _short(name: str, size: int) -> str:
    return hashlib.blake2b(os.fsencode(name), digest_size=size).hexdigest()


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except OSError:  # of another user
        return True
    return True


def check_can_be_written(path: Path) -> None:
    """Find out before anything is computed that a file cannot be written.

    Raises:
      ArbsrError: its folder cannot be made or written to, or the name is that of a folder.
    """
    if str(path) == STREAM:
        return
    if path.is_dir():
        raise ArbsrError(f"{path}: a folder; give the name of a file")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ArbsrError(f"{path}: cannot be written; {folder} is no folder that can be written to")


@contextmanager
def claimed(file: BinaryIO, name: str) -> Iterator[bool]:
    """Whether no other process claims `name` by the same file; none can until this ends.

    One byte of the file is locked, at a place that follows from the name. The lock goes with the process, however it
    ends.
    """
    place = int.from_bytes(hashlib.blake2b(os.fsencode(name), digest_size=7).digest(), "big")  # within 64 bits, signed
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except (BlockingIOError, PermissionError):  # systems differ
        yield False
        return
    try:
        yield True
    finally:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, place)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, with the folders that it needs; `-`, pipes and devices are written to."""
    if str(path) == STREAM:
        sys.stdout.write(text)
        return
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_text(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial:
        partial.write_text(text)


def json_text(content: Any, indent: int | None = None) -> str:
    """JSON without Infinity and NaN, which JSON has no words for: they become null."""
    return json.dumps(_finite(content), indent=indent, allow_nan=False)


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
