"""Writing files so that nobody ever finds half of one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
