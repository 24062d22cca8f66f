"""Which scale each training batch has: known in advance, the same for every process."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from jaxtyping import Float64, Int32

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import Scale

SMALLEST, LARGEST, STEP = Fraction(11, 10), Fraction(4), Fraction(1, 10)  # the paper's 1.1, 1.2, ..., 4.0


def training_scales(asymmetric: bool) -> list[Scale]:
    """The paper's 30 symmetric scales; with `asymmetric`, every pair of them (900)."""
    count = int((LARGEST - SMALLEST) / STEP) + 1
    factors = [SMALLEST + index * STEP for index in range(count)]
    if asymmetric:
        return [Scale(vertical, horizontal) for vertical in factors for horizontal in factors]
    return [Scale(factor, factor) for factor in factors]


def scale_schedule(
    scales: Sequence[Scale], steps: int, integer_steps: int, seed: int, symmetric_share: float = 0.0
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

    Raises:
      ArbsrError: the share is not within 0 and 1.
    """
    if not 0 <= symmetric_share <= 1:
        raise ArbsrError(f"symmetric_share is {symmetric_share}; allowed is 0 (every pair alike) to 1 (symmetric only)")
    everyone = np.arange(len(scales), dtype=np.int32)
    symmetric = np.array([i for i, scale in enumerate(scales) if scale.symmetric], np.int32)
    integers = np.array([i for i in symmetric.tolist() if scales[i].vertical.denominator == 1], np.int32)
    draws = np.random.default_rng(seed).random(steps)
    narrowed = draws < symmetric_share
    schedule = np.empty(steps, np.int32)
    schedule[narrowed] = _pick(symmetric, draws[narrowed] / symmetric_share)
    schedule[~narrowed] = _pick(everyone, (draws[~narrowed] - symmetric_share) / (1 - symmetric_share))
    if integers.size:
        schedule[:integer_steps] = _pick(integers, draws[:integer_steps])
    return schedule


def _pick(indices: Int32[np.ndarray, "choices"], draws: Float64[np.ndarray, "steps"]) -> Int32[np.ndarray, "steps"]:
    """For every draw in [0, 1) one of the indices."""
    return indices[np.minimum((draws * indices.size).astype(np.int64), indices.size - 1)]
