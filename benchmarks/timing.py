"""Runs measured in turn, so that a machine that slows down for seconds slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import jax

LONG = 1000  # milliseconds
REST = 0.25  # seconds: longer than those threads wait


def in_turn(
    runs: dict[str, Callable[[], None]], rounds: int, before: dict[str, Callable[[], None]] | None = None
) -> dict[str, list[float]]:
    """Milliseconds of each, round by round; `before` says what is done, unmeasured, right before a measured run.

    Each runs once more just before, unmeasured: what came before it, PyTorch above all, leaves threads that wait
    actively for a fifth of a second and a cache full of its own, which took a tenth of the next one's time. What takes
    LONG fills the cache itself: after the first round it has a rest instead.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            if not times[name] or times[name][-1] < LONG:
                run()
            else:
                time.sleep(REST)
            (before or {}).get(name, lambda: None)()
            begin = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - begin))
    return times


def ratio(ours: list[float], others: list[float]) -> float:
    """The median over the rounds."""
    return statistics.median(mine / theirs for mine, theirs in zip(ours, others, strict=True))


def median_seconds(run: Callable[[], Any], rounds: int) -> float:
    """The median of some runs after an unmeasured one; what a run returns is waited for."""
    jax.block_until_ready(run())
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        jax.block_until_ready(run())
        times.append(time.perf_counter() - begin)
    return statistics.median(times)
