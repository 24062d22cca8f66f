"""Which scale each training batch has: known in advance, the same for every process."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from jaxtyping import Float32, Float64, Int32, Integer

from arbsr_jax.imaging.scale import PAPER_LARGEST, Scale
from arbsr_jax.train.settings import TeacherConfig

SMALLEST, STEP = Fraction(11, 10), Fraction(1, 10)  # the paper's 1.1, 1.2, ..., 4.0
CLEANING = Scale.of(1)  # no enlargement: a degraded image is restored at its own size


def training_scales(asymmetric: bool, largest: float = PAPER_LARGEST) -> list[Scale]:
    """Symmetric scales from 1.1 to `largest` by 0.1, the paper's 30 up to 4; with `asymmetric`, every pair of them."""
    count = int((Fraction(str(largest)) - SMALLEST) / STEP) + 1
    factors = [SMALLEST + index * STEP for index in range(count)]
    if asymmetric:
        return [Scale(vertical, horizontal) for vertical in factors for horizontal in factors]
    return [Scale(factor, factor) for factor in factors]


def scale_schedule(
    scales: Sequence[Scale],
    steps: int,
    integer_steps: int,
    seed: int,
    symmetric_share: float = 0.0,
    large_share: float = 0.0,
    cleaning_share: float = 0.0,
) -> Int32[np.ndarray, "steps"]:
    """For every step the index of its scale, drawn uniformly; symmetric integer scales alone in the first steps.

    A longer schedule of the same seed begins with the shorter one.

    Args:
      scales: to choose from.
      steps: of the run.
      integer_steps: how many of them, from the first, have x2, x3 or x4.
      seed: of the draws.
      symmetric_share: of the steps whose scale is drawn among the symmetric ones alone: of every pair of 30 factors
        only 1 in 30 is symmetric, and only 1 in 25 has both factors above 3.4.
      large_share: of the steps whose larger factor is above 4, if there are such scales.
      cleaning_share: of the steps whose factor is 1 on both axes, if that is among the scales.
    """
    large = np.array([scale.larger > PAPER_LARGEST for scale in scales])
    symmetric, cleaning = np.array([[scale.symmetric, scale == CLEANING] for scale in scales]).T
    integer = symmetric & ~large & ~cleaning & np.array([scale.vertical.denominator == 1 for scale in scales])
    draws = np.random.default_rng(seed).random(steps)
    large_share = large_share if large.any() else 0.0
    groups = [
        (share * part, chosen)
        for share, members in ((1 - large_share, ~large & ~cleaning), (large_share, large))
        for part, chosen in ((symmetric_share, members & symmetric), (1 - symmetric_share, members))
        if share * part
    ]
    edges = np.cumsum([0.0, *(share for share, _ in groups)])
    which = np.searchsorted(edges[1:-1], draws, side="right")
    schedule = np.empty(steps, np.int32)
    for group, (share, chosen) in enumerate(groups):
        inside = which == group
        schedule[inside] = _pick(np.flatnonzero(chosen), (draws[inside] - edges[group]) / share)
    if integer.any():
        schedule[:integer_steps] = _pick(np.flatnonzero(integer), draws[:integer_steps])
    if cleaning.any():
        # Draws of their own: the other steps stay as they are without cleaning.
        schedule[np.random.default_rng([seed, 1]).random(steps) < cleaning_share] = np.flatnonzero(cleaning)[0]
    return schedule


def _pick(indices: Integer[np.ndarray, "choices"], draws: Float64[np.ndarray, "steps"]) -> Int32[np.ndarray, "steps"]:
    """For every draw in [0, 1) one of the indices."""
    return indices[np.minimum((draws * indices.size).astype(np.int64), indices.size - 1)].astype(np.int32)


def hr_shares(teachers: TeacherConfig, steps: int) -> Float32[np.ndarray, "steps"]:
    """For every step the share of HR images in their mix with pictures: linear from start to end, then constant."""
    progress = np.minimum(np.arange(steps) / max(1, teachers.hr_share_steps), 1)
    return (teachers.hr_share_start + progress * (teachers.hr_share_end - teachers.hr_share_start)).astype(np.float32)
