"""How an image is cut so that programs of a few shapes, and bounded memory, serve images of every size.

LR images are encoded in square tiles that overlap; each tile answers for its core. The HR pixels of a core are decoded
in square windows, with a ring of one pixel around them for the last conv. All of it is geometry, without arrays.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.grid import axis_phases
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.network import hr_channels, phase_values

SIDES = (64, 128, 256, 512)  # of LR tiles, in pixels
OVERLAP = 24  # LR pixels, at least, that a tile sees beyond its core
WINDOW = 256  # HR pixels of a side of a window
# Alive at once: arrays of LR features while a tile is encoded, of HR features while a window is decoded, and then the
# channels of the tail's taps.
ENCODED, DECODED, TAPS = 7, 2, 80
DEFAULT_MEMORY = 2**30  # bytes
TABLE_BYTES = 2**26  # of a phase table that is kept; larger ones are computed again for each window


class Span(NamedTuple):
    """One axis of a tile, in LR pixels: [origin, origin + valid) is what it sees, [first, stop) its core."""

    origin: int
    valid: int
    first: int
    stop: int


class Window(NamedTuple):
    """One axis of a window, in HR pixels: computed from `start` on, of which [first, stop) is the result."""

    start: int
    first: int
    stop: int


class Tile(NamedTuple):
    """A tile and its windows, each as (rows, columns)."""

    spans: tuple[Span, Span]
    windows: list[tuple[Window, Window]]


@dataclass(frozen=True)
class Plan:
    """How one image is cut.

    Attributes:
      lr: (height, width) of the image.
      hr: (height, width) of the result.
      scale: from the one to the other.
      tile: (height, width) of LR tiles.
      canvas: (height, width) of HR windows.
      fixed_scale: of a scale-specific network, whose tiles are enlarged as a whole; else 0.
      exact: whether the image fills its tile, and the result its window.
    """

    lr: tuple[int, int]
    hr: tuple[int, int]
    scale: Scale
    tile: tuple[int, int]
    canvas: tuple[int, int]
    fixed_scale: int = 0
    exact: bool = False

    @property
    def shares_tables(self) -> bool:
        """Whether all windows see the same phases: a longer axis of many phases has others in each window."""
        axes = zip(self._factors, self.hr, self._spans, self.canvas, strict=True)
        return all(f.numerator <= c or (n <= c and len(spans) == 1) for f, n, spans, c in axes)

    def tiles(self) -> Iterator[Tile]:
        """Tiles whose windows cover the result without overlapping."""
        row_spans, column_spans = self._spans
        for spans in itertools.product(row_spans, column_spans):
            axes = zip(spans, self._factors, self.lr, self.hr, self.canvas, strict=True)
            rows, columns = (self._windows(*axis) for axis in axes)
            yield Tile(spans, list(itertools.product(rows, columns)))

    @property
    def _factors(self) -> tuple[Fraction, Fraction]:
        return self.scale.vertical, self.scale.horizontal

    @property
    def _spans(self) -> list[list[Span]]:
        return [tile_spans(length, side) for length, side in zip(self.lr, self.tile, strict=True)]

    def _windows(self, span: Span, factor: Fraction, lr: int, hr: int, side: int) -> list[Window]:
        if not self.fixed_scale:
            return windows(span, factor, lr, hr, side)
        return [Window(*(self.fixed_scale * at for at in (span.origin, span.first, span.stop)))]


@dataclass(frozen=True)
class WholeImages:
    """Each image as one tile, its result as one window."""

    def plan(self, lr: tuple[int, int], hr: tuple[int, int], scale: Scale, config: ModelConfig) -> Plan:
        """The plan of one image."""
        return Plan(lr, hr, scale, lr, hr, config.scale, exact=True)


@dataclass(frozen=True)
class FixedTiles:
    """Tiles of one side in LR pixels."""

    side: int

    def __post_init__(self) -> None:
        if self.side <= 2 * OVERLAP or self.side % 2:
            raise ArbsrError(f"tiles of {self.side} pixels do not work; give an even number above {2 * OVERLAP}, or 0")

    def plan(self, lr: tuple[int, int], hr: tuple[int, int], scale: Scale, config: ModelConfig) -> Plan:
        """The plan of one image."""
        # Pixel shuffle enlarges a tile as a whole, from its first pixel on.
        canvas = self.side * config.scale or WINDOW
        return Plan(lr, hr, scale, (self.side, self.side), (canvas, canvas), config.scale)


@dataclass(frozen=True)
class TilesWithin:
    """Tiles that suit the image, as large as some bytes of memory allow."""

    memory: int

    def plan(self, lr: tuple[int, int], hr: tuple[int, int], scale: Scale, config: ModelConfig) -> Plan:
        """The plan of one image.

        Raises:
          ArbsrError: the memory is too little for the smallest tile.
        """
        return FixedTiles(tile_side(*lr, config, self.memory)).plan(lr, hr, scale, config)

    def smaller(self, side: int, config: ModelConfig) -> TilesWithin:
        """The same with tiles below a side that did not fit.

        Raises:
          ArbsrError: there are none.
        """
        memory = needed_bytes(side, config) - 1
        if memory < needed_bytes(SIDES[0], config):
            raise ArbsrError(
                "not even the smallest tiles fit into the device's memory; close other programs or use another"
            )
        return TilesWithin(memory)


Tiling = WholeImages | FixedTiles | TilesWithin


def tiling_of(tile: int | None, memory: int) -> Tiling:
    """From people's words: 0 for whole images, a side in LR pixels, or None for what suits image and memory.

    Raises:
      ArbsrError: tiles of that side do not work.
    """
    if tile is None:
        return TilesWithin(memory)
    return FixedTiles(tile) if tile else WholeImages()


def tile_spans(length: int, side: int) -> list[Span]:
    """Tiles of `side` pixels along an axis; each begins at an even pixel, as the masks' pooling asks for.

    The last may reach beyond the image; cores meet in the middle of what two tiles both see.
    """
    last = max(0, length - side)
    last += last % 2
    step = side - 2 * OVERLAP
    origins = [*range(0, last, step), last] if last else [0]
    meeting = [(left + side + right) // 2 for left, right in itertools.pairwise(origins)]
    bounds = [0, *meeting, length]
    cores = zip(origins, itertools.pairwise(bounds), strict=True)
    return [Span(origin, min(side, length - origin), *core) for origin, core in cores]


def windows(span: Span, factor: Fraction, lr_length: int, hr_length: int, side: int) -> list[Window]:
    """Windows of `side` pixels that cover the HR pixels whose nearest LR pixel lies in the core."""
    nearest = np.minimum(axis_phases(factor, hr_length).base, lr_length - 1)
    first, stop = np.searchsorted(nearest, (span.first, span.stop)).tolist()
    result = []
    while first < stop:
        start = max(0, first - 1)
        reach = start + side
        end = min(stop, reach if reach >= hr_length else reach - 1)
        result.append(Window(start, first, end))
        first = end
    return result


def tile_side(height: int, width: int, config: ModelConfig, memory: int) -> int:
    """The side with which the fewest pixels are computed, among those that `memory` bytes allow.

    RCAN weighs channels by averages over the image, so an image gets one tile for all of it if that is allowed;
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
    return min(allowed, key=lambda side: len(tile_spans(height, side)) * len(tile_spans(width, side)) * side**2)


def needed_bytes(side: int, config: ModelConfig) -> int:
    """Upper bound of the bytes that one tile takes, parameters excluded; a test compares it with XLA's own count."""
    hr_side = side * config.scale if config.scale else WINDOW
    table = min(TABLE_BYTES, 4 * WINDOW**2 * phase_values(config))
    return 4 * (ENCODED * side**2 * config.channels + hr_side**2 * (DECODED * hr_channels(config) + TAPS)) + table
