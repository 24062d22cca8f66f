"""How large the results shall be, as people type it."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import Scale, round_half_up
from arbsr_jax.inference.arguments import open_size, resolve_target

SQUARE = Fraction(1)  # pixels


class Target:
    """A scale, or a size of which one side may be left open; and a shape that the result shall have."""

    def __init__(
        self, scale: str | None, size: str | None, aspect: str | None = None, *, square_pixels: bool = False
    ) -> None:
        """From `2.5` or `2.5x3.5`, or from `1920x1080`, `1920x` or `x1080`.

        Args:
          scale: in people's words.
          size: in people's words.
          aspect: `16:9`: the axis that is too short for this shape is enlarged more.
          square_pixels: films whose pixels are not square get square ones: one axis is enlarged more.

        Raises:
          ArbsrError: it is not understood.
        """
        self.scale, self._square = Scale.of(scale) if scale else None, square_pixels
        shape = re.fullmatch(r"([1-9]\d*):([1-9]\d*)", aspect, re.ASCII) if aspect else None
        if aspect and (not shape or size):
            raise ArbsrError(f"aspect {aspect!r} is not understood; give width:height, for example 16:9, and --scale")
        self._aspect = Fraction(int(shape[1]), int(shape[2])) if shape else None
        self._width, self._height = open_size(size) if size else (0, 0)

    def makes_square_pixels(self, pixel: Fraction) -> bool:
        """Whether results have square pixels though the source's are `pixel`, width to height."""
        return pixel != 1 and (self._square or self._aspect is not None)

    def of(self, height: int, width: int, pixel: Fraction = SQUARE) -> dict[str, Any]:
        """The arguments of `upscale` for an image of that size: {"scale": ...} or {"size": (width, height)}.

        `pixel` is the shape of its pixels, width to height.
        """
        if self.scale and not self._aspect and not self.makes_square_pixels(pixel):
            return {"scale": self.scale}
        wide, high = Fraction(width), Fraction(height)
        if self.makes_square_pixels(pixel):  # nothing is made smaller
            wide, high = wide * max(pixel, SQUARE), high / min(pixel, SQUARE)
        if not self.scale:
            shape = wide / high
            return {
                "size": (_pixels(self._width or self._height * shape), _pixels(self._height or self._width / shape))
            }
        wide, high = wide * self.scale.horizontal, high * self.scale.vertical
        if self._aspect:
            wide, high = max(wide, high * self._aspect), max(high, wide / self._aspect)
        return {"size": (_pixels(wide), _pixels(high))}

    def pixels(self, height: int, width: int, pixel: Fraction = SQUARE) -> tuple[int, int]:
        """(width, height) of the result.

        Raises:
          ArbsrError: a factor to that size is not allowed.
        """
        _, size = resolve_target((height, width), **{"scale": None, "size": None} | self.of(height, width, pixel))
        return size.width, size.height

    @property
    def in_words(self) -> str:
        """Both axes named."""
        return self.scale.in_words if self.scale else "to the exact size"

    @property
    def label(self) -> str:
        """What names of results say: `2.5x3.5`, or `1920x1080`."""
        if self.scale:
            return str(self.scale) if not self.scale.symmetric else f"{self.scale}x{self.scale}"
        return f"{self._width or ''}x{self._height or ''}"

    def is_beyond(self, largest: float, height: int, width: int, pixel: Fraction = SQUARE) -> bool:
        """Whether it enlarges an image of that size by more than a factor."""
        wide, high = self.pixels(height, width, pixel)
        exact = self.of(height, width, pixel).get("scale") or Scale.between((height, width), (high, wide))
        return exact.larger > largest


def _pixels(side: Fraction | int) -> int:
    return max(1, round_half_up(side))


def parse_memory(text: str) -> int:
    """Bytes of `512M` or `2G`.

    Raises:
      ArbsrError: it is not understood.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([MG])i?B?", text, re.ASCII | re.IGNORECASE)
    if not match:
        raise ArbsrError(f"memory {text!r} is not understood; give mebibytes or gibibytes, for example 512M or 2G")
    return int(float(match[1]) * 2 ** (20 if match[2].upper() == "M" else 30))
