"""Writing files so that nobody ever finds half of one, and JSON that every parser reads."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


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
