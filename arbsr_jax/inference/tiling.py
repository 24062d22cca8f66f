"""How an image is cut so that programs of a few shapes, and bounded memory, serve images of every size.

LR images are encoded in square tiles that overlap; each tile answers for its core. The HR pixels of a core are decoded
in square pieces, with a ring of one pixel around them for the last conv.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from arbsr_jax.errors import ArbsrError
from arbsr_jax.inference.programs import KEPT_BYTES
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.network import hr_channels, phase_values
from arbsr_jax.ops.geometry import axis_phases

SIDES = (64, 128, 256, 512)  # of LR tiles, in pixels
OVERLAP = 24  # LR pixels, at least, that a tile sees beyond its core
PIECE = 256  # HR pixels of a side of a piece
# Alive at once: arrays of LR features while a tile is encoded, of HR features while a piece is decoded, and then the
# channels of the tail's taps.
ENCODED, DECODED, TAPS = 7, 2, 80
DEFAULT_MEMORY = 2**30  # bytes


class Span(NamedTuple):
    """One axis of a tile, in LR pixels: [origin, origin + valid) is what it sees, [first, stop) its core."""

    origin: int
    valid: int
    first: int
    stop: int


class Piece(NamedTuple):
    """One axis of a piece, in HR pixels: computed from `start` on, kept are [first, stop)."""

    start: int
    first: int
    stop: int


def spans(length: int, side: int) -> list[Span]:
    """Tiles of `side` pixels along an axis; each begins at an even pixel, as the masks' pooling asks for.

    The last may reach beyond the image; cores meet in the middle of what two tiles both see.
    """
    last = max(0, length - side)
    last += last % 2
    step = side - 2 * OVERLAP
    origins = [*range(0, last, step), last]
    meeting = [(left + side + right) // 2 for left, right in itertools.pairwise(origins)]
    bounds = [0, *meeting, length]
    cores = zip(origins, itertools.pairwise(bounds), strict=True)
    return [Span(origin, min(side, length - origin), *core) for origin, core in cores]


def pieces(span: Span, factor: Fraction, lr_length: int, hr_length: int, side: int) -> list[Piece]:
    """Pieces of `side` pixels that cover the HR pixels whose nearest LR pixel lies in the core."""
    nearest = np.minimum(axis_phases(factor, hr_length).base, lr_length - 1)
    first, stop = np.searchsorted(nearest, (span.first, span.stop)).tolist()
    found = []
    while first < stop:
        start = max(0, first - 1)
        reach = start + side
        end = min(stop, reach if reach >= hr_length else reach - 1)
        found.append(Piece(start, first, end))
        first = end
    return found


def tile_side(height: int, width: int, config: ModelConfig, memory: int) -> int:
    """The side with which the fewest pixels are computed, among those that `memory` bytes allow.

    RCAN weighs channels by averages over the image, so that it is given one tile for all of it where that is allowed;
    beyond that each tile goes by its own averages.

    Raises:
      ArbsrError: not even the smallest is allowed.
    """
    allowed = [side for side in SIDES if needed_bytes(side, config) <= memory]
    if not allowed:
        least = needed_bytes(SIDES[0], config) / 2**20
        raise ArbsrError(f"{memory / 2**20:.0f} MiB are too little for this network; allow at least {least:.0f} MiB")
    whole = [side for side in allowed if side >= max(height, width)]
    if whole and config.backbone == "rcan":
        return whole[0]
    return min(allowed, key=lambda side: len(spans(height, side)) * len(spans(width, side)) * side**2)


def needed_bytes(side: int, config: ModelConfig) -> int:
    """Upper bound of what computing one tile takes, parameters not counted; compared with XLA's own count by a test."""
    hr_side = side * config.scale if config.scale else PIECE
    table = min(KEPT_BYTES, 4 * PIECE**2 * phase_values(config))
    return 4 * (ENCODED * side**2 * config.channels + hr_side**2 * (DECODED * hr_channels(config) + TAPS)) + table
