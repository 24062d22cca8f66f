"""How an image is cut so that programs of a few shapes, and bounded memory, serve images of every size.

LR images are encoded in tiles that overlap; each tile answers for its core. The HR pixels of a core are decoded in
windows, with a ring of one pixel around them for the last conv. All of it is geometry, without arrays.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np

from arbsr_jax.imaging.grid import axis_phases
from arbsr_jax.imaging.scale import Scale

OVERLAP = 24  # LR pixels, at least, that a tile sees beyond its core
LARGE = 256  # pixels of a side
Shape = tuple[int, int]  # (rows, columns)


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
    """How one image, or each of several of one size, is cut.

    Attributes:
      lr: (height, width) of the image.
      hr: (height, width) of the result.
      scale: from the one to the other.
      tile: (height, width) of LR tiles.
      canvas: (height, width) of HR windows.
      fixed_scale: of a scale-specific network, whose tiles are enlarged as a whole; else 0.
      batch: images that are computed together.
      in_flight: windows whose results may be on their way while others are computed.
    """

    lr: Shape
    hr: Shape
    scale: Scale
    tile: Shape
    canvas: Shape
    fixed_scale: int = 0
    batch: int = 1
    in_flight: int = 1

    @property
    def shares_tables(self) -> bool:
        """Whether all windows see the same phases: a longer axis of many phases has others in each window."""
        axes = zip(self._factors, self.hr, self._spans, self.canvas, strict=True)
        return all(f.numerator <= c or (n <= c and len(spans) == 1) for f, n, spans, c in axes)

    @cached_property
    def tiles(self) -> list[Tile]:
        """Tiles whose windows cover the result without overlapping."""
        axes = []
        for spans, factor, hr, side in zip(self._spans, self._factors, self.hr, self.canvas, strict=True):
            axes.append(list(zip(spans, self._windows(spans, factor, hr, side), strict=True)))
        found = []
        for (rows, row_windows), (columns, column_windows) in itertools.product(*axes):
            found.append(Tile((rows, columns), list(itertools.product(row_windows, column_windows))))
        return found

    @property
    def encoded(self) -> float:
        """LR pixels that are encoded, by pixels of the image: 1 is the least."""
        return len(self.tiles) * self.tile[0] * self.tile[1] / (self.lr[0] * self.lr[1])

    @property
    def decoded(self) -> float:
        """HR pixels that are decoded, by pixels of the result: 1 is the least."""
        return self.window_count * self.canvas[0] * self.canvas[1] / (self.hr[0] * self.hr[1])

    @property
    def window_count(self) -> int:
        """Windows of all tiles."""
        return sum(len(tile.windows) for tile in self.tiles)

    def __str__(self) -> str:
        lr, hr, tile, canvas = (f"{width}x{height}" for height, width in (self.lr, self.hr, self.tile, self.canvas))
        counts = {"tile": len(self.tiles), "window": self.window_count}
        tiles, pieces = (f"{count} {what}{'s' * (count > 1)}" for what, count in counts.items())
        computed = f"{self.encoded:.2f} of the LR and {self.decoded:.2f} of the HR pixels are computed"
        return f"{lr} by {self.scale} to {hr}: {tiles} of {tile}, {pieces} of {canvas}; {computed}"

    @property
    def _factors(self) -> tuple[Fraction, Fraction]:
        return self.scale.vertical, self.scale.horizontal

    @property
    def _spans(self) -> list[list[Span]]:
        return [tile_spans(length, side) for length, side in zip(self.lr, self.tile, strict=True)]

    def _windows(self, spans: list[Span], factor: Fraction, hr: int, side: int) -> list[list[Window]]:
        if self.fixed_scale:
            return [[Window(*(self.fixed_scale * at for at in (s.origin, s.first, s.stop)))] for s in spans]
        return [list(windows(core, hr, side)) for core in hr_cores(spans, factor, hr)]


def tile_spans(length: int, side: int) -> list[Span]:
    """The fewest tiles of `side` pixels along an axis; each begins at an even pixel, as the masks' pooling asks for.

    Cores are of one length, to a pixel, if that needs no more tiles; else the first and the last are longer. The last
    tile may reach beyond the image.
    """
    between = side - 2 * OVERLAP  # the longest core that has a neighbour on both sides
    count = 1 if length <= side else -(-(length - 2 * OVERLAP) // between)
    excess = length - count * between
    inner = [index * length // count if excess <= 0 else index * between + excess // 2 for index in range(1, count)]
    last = max(0, length - side)
    last += last % 2
    found = []
    for first, stop in itertools.pairwise([0, *inner, length]):
        seen = min(max(0, first - OVERLAP), last)
        origin = last if stop == length else seen - seen % 2
        found.append(Span(origin, min(side, length - origin), first, stop))
    return found


def split_side(length: int, count: int) -> int:
    """About the least side with which `tile_spans` makes at most so many tiles, with cores of one length.

    Large ones are multiples of 4, the side of Winograd's tiles: others are copied for every conv.
    """
    halo = {1: 0, 2: OVERLAP}.get(count, 2 * OVERLAP)
    side = -(-length // count) + halo
    return -(-side // 4) * 4 if side >= LARGE or count > 1 else side


def hr_cores(spans: list[Span], factor: Fraction, hr_length: int) -> list[tuple[int, int]]:
    """For every tile the HR pixels [first, stop) whose nearest LR pixel lies in its core."""
    nearest = np.minimum(axis_phases(factor, hr_length).base, spans[-1].stop - 1)
    bounds = np.searchsorted(nearest, [spans[0].first, *(span.stop for span in spans)]).tolist()
    return list(itertools.pairwise(bounds))


def windows(core: tuple[int, int], hr_length: int, side: int) -> Iterator[Window]:
    """Windows of `side` pixels that cover the HR pixels [first, stop) of an axis."""
    first, stop = core
    while first < stop:
        start = max(0, first - 1)
        reach = start + side
        end = min(stop, reach if reach >= hr_length else reach - 1)
        yield Window(start, first, end)
        first = end


def window_side(cores: Sequence[tuple[int, int]], hr_length: int, count: int) -> int:
    """The least side with which `windows` makes at most so many of every core."""
    longest = max(stop - first for first, stop in cores)
    return min(hr_length, -(-longest // count) + 2)
