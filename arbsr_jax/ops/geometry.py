"""Scale factors as exact fractions, and the phase tables that follow from them (Eq. 4 and 5).

With the scale of one axis r = p/q in lowest terms and the HR pixel index x,

    C(x) = ((2x+1)q - p) / 2p              its position on the LR axis (Eq. 4)
    R(x) = ((2x+1)q mod 2p) / 2p - 1/2     its position relative to the nearest LR pixel (Eq. 5)

R depends on x mod p alone, so an axis has p *phases*. Everything is computed in integers: floating point floors
the wrong way at x1.07, x1.19, x1.45 and others.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational, Real
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32

from arbsr_jax.errors import ArbsrError

SMALLEST_SCALE, LARGEST_SCALE = 1, 8
MAX_DENOMINATOR = 10**6  # keeps (2x+1)q far inside int64
ALLOWED = f"from {SMALLEST_SCALE} to {LARGEST_SCALE}, for example 2.5, or 2.5x3.5 for width x height"
NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+|\d+/\d+", re.ASCII)


def round_half_up(value: Fraction | int) -> int:
    """The nearest integer, halves upwards (Python's `round` sends them to the even neighbour)."""
    return math.floor(value + Fraction(1, 2))


def as_fraction(value: Real | str) -> Fraction:
    """One scale factor as an exact fraction: 2.3 is 23/10, not the nearest binary number.

    Raises:
      ArbsrError: the value is no number, or lies outside the allowed range.
    """
    try:
        if isinstance(value, str) and not NUMBER.fullmatch(value):
            raise ValueError
        exact = Fraction(value) if isinstance(value, (str, Rational)) else Fraction(repr(float(value)))
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        raise ArbsrError(f"{value!r} is not a number; give a factor {ALLOWED}") from None
    if not SMALLEST_SCALE <= exact <= LARGEST_SCALE:
        raise ArbsrError(f"{value} is out of range; give a factor {ALLOWED}")
    return exact.limit_denominator(MAX_DENOMINATOR)


@dataclass(frozen=True)
class Scale:
    """A pair of factors (r_v, r_h), rows first as in every array here."""

    vertical: Fraction
    horizontal: Fraction

    @classmethod
    def of(cls, value: Scale | str | Real | tuple[Real, Real]) -> Scale:
        """From '2.5', '2.5x3.5' (horizontal x vertical), a number, or a tuple (r_h, r_v) as in the paper.

        Raises:
          ArbsrError: a factor is no number or lies outside 1..8.
        """
        if isinstance(value, Scale):
            return value
        parts = value.strip().lower().split("x") if isinstance(value, str) else value
        if isinstance(parts, Real):
            parts = (parts,)
        if not isinstance(parts, (tuple, list)) or len(parts) not in (1, 2) or "" in parts:
            raise ArbsrError(f"scale {value!r} is not understood; give one factor or two, {ALLOWED}")
        try:
            factors = [as_fraction(part) for part in parts]
        except ArbsrError as error:
            raise ArbsrError(f"scale {value!r}: {error}") from None
        return cls(vertical=factors[-1], horizontal=factors[0])

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """HR (height, width) in pixels of an LR image: each rounded half up, and at least 1."""
        return max(1, round_half_up(height * self.vertical)), max(1, round_half_up(width * self.horizontal))

    @property
    def symmetric(self) -> bool:
        """Whether both axes have the same factor."""
        return self.vertical == self.horizontal

    @property
    def in_words(self) -> str:
        """Both axes named, for people."""
        return f"x{_shortest(self.horizontal)} horizontally, x{_shortest(self.vertical)} vertically"

    def __str__(self) -> str:
        horizontal, vertical = _shortest(self.horizontal), _shortest(self.vertical)
        return horizontal if self.symmetric else f"{horizontal}x{vertical}"


def _shortest(factor: Fraction) -> str:
    decimal = f"{float(factor):.10g}"
    return decimal if Fraction(decimal) == factor else f"{float(factor):.4f}"


class Phases(NamedTuple):
    """One axis of an HR image, seen from the LR axis: C(x) = base[x] + relative[phase[x]]."""

    base: Int32[np.ndarray, "length"]  # index of the nearest LR pixel
    phase: Int32[np.ndarray, "length"]  # row of `relative`
    relative: Float32[np.ndarray, "phases"]  # R, in LR pixels, in [-1/2, 1/2)


def axis_phases(factor: Fraction, length: int, start: int = 0, origin: int = 0, most: int | None = None) -> Phases:
    """Phases of `length` HR pixels of an axis scaled by `factor` (Eq. 4 and 5).

    Args:
      factor: of the axis.
      length: number of HR pixels.
      start: the first of them.
      origin: LR pixel from which `base` counts.
      most: phases, at least `length`, up to which the table holds all of the axis, in the same order wherever the
        pixels start; beyond, it holds these pixels' phases alone. Without it: `length`.
    """
    p, q = factor.numerator, factor.denominator
    x = start + np.arange(length, dtype=np.int64)
    tabled, phase = (np.arange(p), x % p) if p <= (most or length) else (x, x - start)
    relative = (2 * tabled + 1) * q % (2 * p) / (2 * p) - 0.5
    base = (2 * x + 1) * q // (2 * p) - origin
    return Phases(base.astype(np.int32), phase.astype(np.int32), relative.astype(np.float32))


class Grid(NamedTuple):
    """Where the pixels of an HR canvas lie on the LR image: data for a compiled program, never a part of it.

    The canvas may be larger than the HR image; what lies beyond `size` is padding.
    """

    rows: Phases
    columns: Phases
    scale: Float32[np.ndarray, "2"]  # (r_v, r_h)
    size: Int32[np.ndarray, "2"]  # HR (height, width) in pixels

    @property
    def canvas(self) -> tuple[int, int]:
        """(height, width) of the canvas in pixels."""
        return self.rows.base.shape[-1], self.columns.base.shape[-1]


def make_grid(
    scale: Scale, size: tuple[int, int], canvas: tuple[int, int] | None = None, phases: int | None = None
) -> Grid:
    """The grid of an HR image of `size` (height, width), on a canvas at least as large.

    Phase tables are padded to a few lengths, so that programs are shared by scales of equal canvas; or to `phases`
    at least, so that all scales of a list share one if it is their largest p.
    """
    canvas = canvas or size
    if canvas[0] < size[0] or canvas[1] < size[1]:
        raise ValueError(f"canvas {canvas} is smaller than the HR size {size}")
    rows, columns = (
        _padded(axis_phases(factor, length), total, phases)
        for factor, length, total in zip((scale.vertical, scale.horizontal), size, canvas, strict=True)
    )
    factors = np.array([scale.vertical, scale.horizontal], np.float32)
    return Grid(rows, columns, factors, np.array(size, np.int32))


def grid_of_piece(
    scale: Scale, start: tuple[int, int], size: tuple[int, int], origin: tuple[int, int], side: tuple[int, int]
) -> Grid:
    """The grid of a part of an HR image, seen from a tile of the LR image. All in (rows, columns).

    Args:
      scale: of the whole.
      start: first HR pixel of the part.
      size: of the part; what lies beyond is padding.
      origin: first LR pixel of the tile.
      side: of the canvas. All parts of an axis that has no more phases than pixels of the canvas share their table.
    """
    factors = scale.vertical, scale.horizontal
    axes = zip(factors, size, start, origin, side, strict=True)
    rows, columns = (_padded(axis_phases(*axis), total, None) for axis, total in zip(axes, side, strict=True))
    return Grid(rows, columns, np.array(factors, np.float32), np.array(size, np.int32))


def _padded(axis: Phases, total: int, phases: int | None) -> Phases:
    """The axis on `total` pixels; its phase table padded to `phases`.

    By default that is 16, 64, 256, ... or the canvas, if that is less.
    """
    beyond = total - axis.base.size
    if phases is None:
        phases = 16
        while phases < axis.relative.size:
            phases *= 4
        phases = min(phases, total)
    unused = phases - axis.relative.size
    return Phases(
        np.pad(axis.base, (0, beyond), mode="edge"),
        np.pad(axis.phase, (0, beyond)),
        np.pad(axis.relative, (0, max(0, unused))),
    )
