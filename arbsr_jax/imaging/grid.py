"""Where the pixels of an HR image lie on the LR image (Eq. 4 and 5), as data for compiled programs.

With the scale of one axis r = p/q in lowest terms and the HR pixel index x,

    C(x) = ((2x+1)q - p) / 2p              its position on the LR axis (Eq. 4)
    R(x) = ((2x+1)q mod 2p) / 2p - 1/2     its position relative to the nearest LR pixel (Eq. 5)

R depends on x mod p alone, so an axis has p *phases*. Everything is computed in integers: floating point floors
the wrong way at x1.07, x1.19, x1.45 and others.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Int32

from arbsr_jax.imaging.cells import Cells, axis_cells
from arbsr_jax.imaging.scale import Scale

SMALLEST_TABLE, TABLE_GROWTH = 64, 4  # phase tables are padded to 64, 256, ... entries


class Phases(NamedTuple):
    """One axis of an HR image, seen from the LR axis: C(x) = base[x] + relative[phase[x]]. Arrays of numpy or JAX.

    Attributes:
      base: index of the nearest LR pixel.
      phase: row of `relative`.
      relative: R, in LR pixels, in [-1/2, 1/2).
    """

    base: Int32[Any, "length"]
    phase: Int32[Any, "length"]
    relative: Float32[Any, "phases"]


class Grid(NamedTuple):
    """Where the pixels of an HR canvas lie on the LR image: data for a compiled program, never a part of it.

    Attributes:
      rows: of the canvas.
      columns: of the canvas.
      scale: (r_v, r_h).
      size: HR (height, width) in pixels; the canvas beyond it is padding. None: the image fills its canvas.
      cells: of rows and columns, if something computes by the cell.
    """

    rows: Phases
    columns: Phases
    scale: Float32[Any, "2"]
    size: Int32[Any, "2"] | None
    cells: tuple[Cells, Cells] | None = None

    @property
    def canvas(self) -> tuple[Any, Any]:
        """(height, width) of the canvas in pixels: integers, or symbols of jax.export."""
        return self.rows.base.shape[-1], self.columns.base.shape[-1]

    @property
    def filled(self) -> Grid:
        """The same positions, of an image that fills its canvas."""
        return self._replace(size=None)


def axis_phases(
    factor: Fraction, length: int, start: int = 0, origin: int = 0, table_limit: int | None = None
) -> Phases:
    """Phases of `length` HR pixels of an axis scaled by `factor` (Eq. 4 and 5).

    Args:
      factor: of the axis.
      length: number of HR pixels.
      start: index of the first of them.
      origin: LR pixel from which `base` counts.
      table_limit: phases, at least `length`, up to which the table holds the whole axis, in the same order wherever the
        pixels start; beyond, it holds these pixels' phases alone. Without it: `length`.
    """
    p, q = factor.numerator, factor.denominator
    x = start + np.arange(length, dtype=np.int64)
    entries, phase = (np.arange(p), x % p) if p <= (table_limit or length) else (x, x - start)
    relative = (2 * entries + 1) * q % (2 * p) / (2 * p) - 0.5
    base = (2 * x + 1) * q // (2 * p) - origin
    return Phases(base.astype(np.int32), phase.astype(np.int32), relative.astype(np.float32))


def make_grid(
    scale: Scale, size: tuple[int, int], canvas: tuple[int, int] | None = None, phases: int | None = None
) -> Grid:
    """The grid of an HR image of `size` (height, width), on a canvas at least as large.

    Phase tables are padded to a few lengths, so that scales of equal canvas share programs; or to `phases` at least,
    so that all scales of a list share one if it is their largest p.

    Raises:
      ValueError: the canvas is smaller than the image.
    """
    canvas = canvas or size
    if canvas[0] < size[0] or canvas[1] < size[1]:
        raise ValueError(f"canvas {canvas} is smaller than the HR size {size}")
    rows, columns = (
        _padded(axis_phases(factor, length), total, phases)
        for factor, length, total in zip((scale.vertical, scale.horizontal), size, canvas, strict=True)
    )
    return Grid(rows, columns, factors(scale), np.array(size, np.int32))


def window_grid(
    scale: Scale,
    start: tuple[int, int],
    size: tuple[int, int],
    origin: tuple[int, int],
    canvas: tuple[int, int],
    *,
    by_cell: bool = False,
) -> Grid:
    """The grid of a window of an HR image, seen from a tile of the LR image. All in (rows, columns).

    Args:
      scale: of the whole image.
      start: first HR pixel of the window.
      size: of the window; the canvas beyond it is padding.
      origin: first LR pixel of the tile.
      canvas: of the window. Windows of an axis that has no more phases than canvas pixels share their table.
      by_cell: with `Grid.cells`.
    """
    axes = list(zip((scale.vertical, scale.horizontal), size, start, origin, canvas, strict=True))
    rows, columns = (axis_phases(*axis) for axis in axes)
    cells = lengths = None
    if by_cell:  # then scales share few programs anyway
        below, beside = (axis_cells(factor, total, first, lr) for factor, _, first, lr, total in axes)
        cells = below, beside
        lengths = [-(-axis.relative.size // SMALLEST_TABLE) * SMALLEST_TABLE for axis in (rows, columns)]
    rows, columns = (
        _padded(axis, total, phases)
        for axis, total, phases in zip((rows, columns), canvas, lengths or (None, None), strict=True)
    )
    return Grid(rows, columns, factors(scale), np.array(size, np.int32), cells)


def factors(scale: Scale) -> Float32[np.ndarray, "2"]:
    """(r_v, r_h), as networks take them."""
    return np.array([scale.vertical, scale.horizontal], np.float32)


def _padded(axis: Phases, total: int, phases: int | None) -> Phases:
    """The axis on `total` pixels; its phase table padded to `phases`.

    By default that is 64, 256, ..., or above 64 the canvas, if that is less.
    """
    beyond = total - axis.base.size
    if phases is None:
        phases = SMALLEST_TABLE
        while phases < axis.relative.size:
            phases *= TABLE_GROWTH
        phases = min(phases, max(total, SMALLEST_TABLE))
    unused = phases - axis.relative.size
    return Phases(
        np.pad(axis.base, (0, beyond), mode="edge"),
        np.pad(axis.phase, (0, beyond), mode="edge"),  # pixels beyond lie where the last one does
        np.pad(axis.relative, (0, max(0, unused))),
    )
