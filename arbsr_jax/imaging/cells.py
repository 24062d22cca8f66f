"""HR pixels by the cell between LR pixels that they lie in, as data for compiled programs.

A cell lies between an LR pixel and the next one. With a factor p/q in lowest terms the cells repeat: every q-th one
holds HR pixels of the same phases. So LR pixels have q *types*: what one gives to the cells around it depends on its
type.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int32

MOST_TYPES = 16  # more are kept apart: then each LR pixel has a type of its own


class Cells(NamedTuple):
    """One axis. Arrays of numpy or JAX.

    Attributes:
      pixels: LR pixels, one after the other; some may lie beyond the image. Their number is a multiple of the types'.
      phases: for each type of LR pixel the phases of the HR pixels in the cell after it, and in the cell before it.
      slots: of every HR pixel: the number of its cell times the places of a cell, and its place there. Cell n lies
        between LR pixels n and n + 1 of `pixels`.
    """

    pixels: Int32[Any, "lr_pixels"]
    phases: Int32[Any, "2 types places"]
    slots: Int32[Any, "length"]


def axis_cells(factor: Fraction, length: int, start: int = 0, origin: int = 0) -> Cells:
    """The cells of `length` HR pixels of an axis scaled by `factor`.

    The shapes of the arrays depend on factor and length alone.

    Args:
      factor: of the axis.
      length: number of HR pixels; of a canvas, as the `table_limit` of `axis_phases`, whose phases are meant.
      start: index of the first of them.
      origin: LR pixel from which `pixels` counts.
    """
    p, q = factor.numerator, factor.denominator
    x = start + np.arange(length, dtype=np.int64)
    cell = ((2 * x + 1) * q - p) // (2 * p)  # the LR pixel before each HR pixel
    count = (length - 1) * q // p + 3  # LR pixels around so many HR pixels, at most
    types = q if q <= min(MOST_TYPES, count // 2) else count
    pixels = cell[0] + np.arange(-(-count // types) * types)
    before = np.stack([pixels[:types], pixels[:types] - 1])[..., None]
    places = np.arange(-(-p // q))
    held = _first_of(before, p, q) + places
    phases = held % p if p <= length else np.clip(held - start, 0, length - 1)
    slots = (cell - cell[0]) * len(places) + x - _first_of(cell, p, q)
    return Cells(*(array.astype(np.int32) for array in (pixels - origin, phases, slots)))


def _first_of(cell: np.ndarray, p: int, q: int) -> np.ndarray:
    """The first HR pixel x with (2x+1)q - p >= 2p * cell."""
    return -((q - p - 2 * p * cell) // (2 * q))
