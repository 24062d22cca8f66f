"""Runs measured in turn, so that a machine that slows down for seconds slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

# Seconds before each run: a library's threads wait actively for more work for a while, which takes cores from whatever
# runs next. Without it what came after PyTorch took a tenth longer, and only that.
REST = 0.005


def in_turn(runs: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each, round by round."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(REST)
            begin = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - begin))
    return times


def ratio(ours: list[float], others: list[float]) -> float:
    """The median over the rounds."""
    return statistics.median(mine / theirs for mine, theirs in zip(ours, others, strict=True))
