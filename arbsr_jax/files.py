"""Files that nobody ever finds half written, claims that processes make, and JSON that every parser reads."""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary name to write to: it becomes `path` once everything is written, and is removed if that fails."""
    short = hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest()  # names can be as long as is allowed
    partial = path.with_name(f".{short}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


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
    """Write a file whole or not at all, with the folders that it needs."""
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
