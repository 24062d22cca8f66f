"""Which scale each training batch has: known in advance, the same for every process."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from jaxtyping import Int32

from arbsr_jax.ops.geometry import Scale

SMALLEST, LARGEST, STEP = Fraction(11, 10), Fraction(4), Fraction(1, 10)  # the paper's 1.1, 1.2, ..., 4.0


def training_scales(asymmetric: bool) -> list[Scale]:
    """The paper's 30 symmetric scales; with `asymmetric`, every pair of them (900)."""
    count = int((LARGEST - SMALLEST) / STEP) + 1
    factors = [SMALLEST + index * STEP for index in range(count)]
    if asymmetric:
        return [Scale(vertical, horizontal) for vertical in factors for horizontal in factors]
    return [Scale(factor, factor) for factor in factors]


def scale_schedule(scales: Sequence[Scale], steps: int, integer_steps: int, seed: int) -> Int32[np.ndarray, "steps"]:
    """For every step the index of its scale, drawn uniformly; symmetric integer scales alone in the first steps.

    A longer schedule of the same seed begins with the shorter one.
    """
    integers = [i for i, scale in enumerate(scales) if scale.symmetric and scale.vertical.denominator == 1]
    draws = np.random.default_rng(seed).random(steps)
    schedule = (draws * len(scales)).astype(np.int32)
    early = draws[:integer_steps] * len(integers)
    schedule[:integer_steps] = (
        np.asarray(integers, np.int32)[early.astype(np.int32)] if integers else schedule[:integer_steps]
    )
    return schedule
