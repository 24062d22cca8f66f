"""Whether masks are alive, and whether they are where features depend on the scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import spearmanr

from arbsr_jax.analysis.features import Encoded, discrepancy
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.adaption import SATURATED

RIM = 8  # LR pixels: zero padding reaches so far through the hourglass
PARTS = ("inside", "rim")


class MaskStatistics(NamedTuple):
    """Of one mask on a part of an image.

    Attributes:
      mean: of its values.
      below: share below 0.01.
      above: share above 0.99.
      rank_correlation: Spearman's, with the discrepancy map of the same place; NaN if either is constant.
    """

    mean: float
    below: float
    above: float
    rank_correlation: float


Places = list[dict[str, MaskStatistics]]  # for each place the statistics of each part


def of_image(encoded: dict[Scale, Encoded]) -> Places:
    """The statistics of every mask of one image, those of the first scale."""
    masks = next(iter(encoded.values())).masks
    inside = inside_of(masks[0].shape)
    parts = dict(zip(PARTS, (inside, ~inside), strict=True))
    maps = [discrepancy(encoded, place) for place in range(len(masks))]
    return [
        {name: _statistics(mask[part], differing[part]) for name, part in parts.items()}
        for mask, differing in zip(masks, maps, strict=True)
    ]


def inside_of(shape: tuple[int, int]) -> Bool[np.ndarray, "height width"]:
    """Pixels that no padding reaches."""
    inside = np.zeros(shape, bool)
    inside[RIM:-RIM, RIM:-RIM] = True
    return inside


def _statistics(mask: Float[np.ndarray, "pixels"], differing: Float[np.ndarray, "pixels"]) -> MaskStatistics:
    constant = not mask.size or np.ptp(mask) == 0 or np.ptp(differing) == 0
    result: Any = None if constant else spearmanr(mask, differing)
    mean, below, above = (
        float(part.mean()) if part.size else np.nan for part in (mask, mask < SATURATED, mask > 1 - SATURATED)
    )
    return MaskStatistics(mean, below, above, np.nan if result is None else float(result.statistic))


def report(images: Sequence[Places]) -> list[dict[str, object]]:
    """Means over images, for each place and part; images where a value does not exist are left out of its mean."""
    rows = []
    for number, place in enumerate(zip(*images, strict=True), start=1):
        row: dict[str, object] = {"place": number}
        for part in PARTS:
            values = np.array([image[part] for image in place], np.float64)
            known = np.isfinite(values)
            sums, counts = np.where(known, values, 0).sum(axis=0), known.sum(axis=0)
            means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
            row[part] = dict(zip(MaskStatistics._fields, means.tolist(), strict=True))
        rows.append(row)
    return rows


def table(rows: Sequence[dict[str, object]]) -> list[str]:
    """The report for a terminal."""
    lines = [f"{'place':<6}{'part':<8}{'mean':>7}{'<0.01':>8}{'>0.99':>8}{'rank corr.':>12}"]
    for row in rows:
        for part in PARTS:
            values = row[part]
            assert isinstance(values, dict)
            mean, below, above, correlation = values.values()
            lines.append(f"{row['place']!s:<6}{part:<8}{mean:7.3f}{below:8.3f}{above:8.3f}{correlation:12.2f}")
    return lines
