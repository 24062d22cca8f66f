"""How long computing takes, apart from compiling."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from arbsr_jax.inference.upscaler import Upscaler

Result = TypeVar("Result")


def timed(upscaler: Upscaler, compute: Callable[[], Result]) -> tuple[Result, float]:
    """What `compute` returns, and the seconds that it took without those in which `upscaler` compiled."""
    begin, compiling = time.perf_counter(), upscaler.compile_seconds
    result = compute()
    return result, time.perf_counter() - begin - (upscaler.compile_seconds - compiling)
