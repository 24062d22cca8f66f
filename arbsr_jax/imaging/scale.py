"""Scale factors as exact fractions, and sizes in pixels."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import NamedTuple

import numpy as np

from arbsr_jax.errors import ArbsrError

Number = float | Real  # Real: numpy's numbers and fractions; float: for type checkers, which do not know that it is one
SMALLEST_SCALE, LARGEST_SCALE = 1, 8
PAPER_LARGEST = 4.0  # of the factors that the paper trains
PICTURE_SCALES = 2, 3, 4  # of the teachers that make pictures
MAX_DENOMINATOR = 10**6  # keeps (2x+1)q of Eq. 4 far inside int64
ALLOWED = f"from {SMALLEST_SCALE} to {LARGEST_SCALE}, for example 2.5, or 2.5x3.5 for width x height"
NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+|\d+/\d+", re.ASCII)


class Size(NamedTuple):
    """Height and width in pixels: (rows, columns), as arrays have them; as text width x height, as people say it."""

    height: int
    width: int

    @classmethod
    def of(cls, text: str) -> Size:
        """`1920x1080`.

        Raises:
          ArbsrError: it is no size.
        """
        match = re.fullmatch(r"([1-9]\d*)[xX×]([1-9]\d*)", text, re.ASCII)
        if not match:
            raise ArbsrError(f"size {text!r} is not understood; give width x height in pixels, for example 1920x1080")
        return cls(width=int(match[1]), height=int(match[2]))

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def round_half_up(value: Fraction | int) -> int:
    """The nearest integer, halves upwards (Python's `round` sends them to the even neighbour)."""
    return math.floor(value + Fraction(1, 2))


def as_fraction(value: Number | str) -> Fraction:
    """A number as an exact fraction: 2.3 is 23/10, not the nearest binary number.

    Raises:
      ValueError: the value is no finite number.
    """
    try:
        if isinstance(value, str) and not NUMBER.fullmatch(value):
            raise ValueError
        if isinstance(value, (str, Rational)):
            return Fraction(int(value) if isinstance(value, Integral) else value)  # numpy's integers have a width
        return Fraction(str(value) if isinstance(value, np.floating) else repr(float(value)))  # in its own precision
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        raise ValueError(f"{value!r} is not a number") from None


def _factor(value: Number | str) -> Fraction:
    try:
        exact = as_fraction(value)
    except ValueError as error:
        raise ArbsrError(f"{error}; give a factor {ALLOWED}") from None
    if not SMALLEST_SCALE <= exact <= LARGEST_SCALE:
        raise ArbsrError(f"{value} is out of range; give a factor {ALLOWED}")
    return exact.limit_denominator(MAX_DENOMINATOR)


@dataclass(frozen=True)
class Scale:
    """A pair of factors (r_v, r_h), rows first. No other type holds a pair of factors."""

    vertical: Fraction
    horizontal: Fraction

    @classmethod
    def of(cls, value: Scale | str | Number | tuple[Number | str, ...] | list[Number | str] | np.ndarray) -> Scale:
        """From '2.5', '2.5x3.5' (horizontal x vertical), a number, or a tuple (r_h, r_v) as in the paper.

        Raises:
          ArbsrError: a factor is no number or lies outside 1..8.
        """
        if isinstance(value, Scale):
            return value
        parts = value.strip().lower().split("x") if isinstance(value, str) else value
        if isinstance(parts, np.ndarray):
            parts = list(np.atleast_1d(parts))
        if isinstance(parts, Real):
            parts = (parts,)
        if not isinstance(parts, (tuple, list)) or len(parts) not in (1, 2) or "" in parts:
            raise ArbsrError(f"scale {value!r} is not understood; give one factor or two, {ALLOWED}")
        try:
            factors = [_factor(part) for part in parts]
        except ArbsrError as error:
            raise ArbsrError(f"scale {value!r}: {error}") from None
        return cls(vertical=factors[-1], horizontal=factors[0])

    @classmethod
    def between(cls, lr: tuple[int, int], hr: tuple[int, int]) -> Scale:
        """The exact factors from one size (height, width) to another; any positive ones."""
        return cls(vertical=Fraction(hr[0], lr[0]), horizontal=Fraction(hr[1], lr[1]))

    @property
    def inverse(self) -> Scale:
        """The factors that lead back."""
        return Scale(vertical=1 / self.vertical, horizontal=1 / self.horizontal)

    @property
    def transposed(self) -> Scale:
        """The factors of a transposed image."""
        return Scale(vertical=self.horizontal, horizontal=self.vertical)

    @property
    def larger(self) -> Fraction:
        """The larger of the two factors."""
        return max(self.vertical, self.horizontal)

    @property
    def symmetric(self) -> bool:
        """Whether both axes have the same factor."""
        return self.vertical == self.horizontal

    @property
    def allowed(self) -> bool:
        """Whether both factors lie within the range that networks take."""
        return all(SMALLEST_SCALE <= factor <= LARGEST_SCALE for factor in (self.vertical, self.horizontal))

    @property
    def in_words(self) -> str:
        """Both axes named, for people."""
        return f"x{_shortest(self.horizontal)} horizontally, x{_shortest(self.vertical)} vertically"

    def output_size(self, height: int, width: int) -> Size:
        """HR size in pixels of an LR image: each side rounded half up, and at least 1."""
        return Size(
            height=max(1, round_half_up(height * self.vertical)), width=max(1, round_half_up(width * self.horizontal))
        )

    def __str__(self) -> str:
        horizontal, vertical = _shortest(self.horizontal), _shortest(self.vertical)
        return horizontal if self.symmetric else f"{horizontal}x{vertical}"


def _shortest(factor: Fraction) -> str:
    decimal = f"{float(factor):.10g}"
    return decimal if Fraction(decimal) == factor else f"{float(factor):.4f}"
