"""Runs measured in turn, so that a machine that slows down for seconds slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def in_turn(runs: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each, round by round.

    Each runs once more just before, unmeasured: what came before it, PyTorch above all, leaves threads that wait
    actively and a cache full of its own, which took a tenth of the next one's time.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            run()
            begin = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - begin))
    return times


def ratio(ours: list[float], others: list[float]) -> float:
    """The median over the rounds."""
    return statistics.median(mine / theirs for mine, theirs in zip(ours, others, strict=True))
