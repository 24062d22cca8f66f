"""How large the results shall be, as people type it."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import Scale, round_half_up
from arbsr_jax.inference.arguments import resolve_target


class Target:
    """A scale, or a size of which one side may be left open."""

    def __init__(self, scale: str | None, size: str | None) -> None:
        """From `2.5` or `2.5x3.5`, or from `1920x1080`, `1920x` or `x1080`.

        Raises:
          ArbsrError: it is not understood.
        """
        self.scale = Scale.of(scale) if scale else None
        match = re.fullmatch(r"(\d*)[xX×](\d*)", size, re.ASCII) if size else None
        if size and (not match or not (match[1] or match[2]) or 0 in {int(side) for side in match.groups() if side}):
            raise ArbsrError(
                f"size {size!r} is not understood; give width x height in pixels, for example 1920x1080, "
                "or one of them: 1920x or x1080"
            )
        self._width, self._height = (int(match[1] or 0), int(match[2] or 0)) if match else (0, 0)

    def of(self, height: int, width: int) -> dict[str, Any]:
        """The arguments of `upscale` for an image of that size: {"scale": ...} or {"size": (width, height)}."""
        if self.scale:
            return {"scale": self.scale}
        wide = self._width or round_half_up(Fraction(width * self._height, height))
        high = self._height or round_half_up(Fraction(height * self._width, width))
        return {"size": (max(1, wide), max(1, high))}

    def pixels(self, height: int, width: int) -> tuple[int, int]:
        """(width, height) of the result.

        Raises:
          ArbsrError: a factor to that size is not allowed.
        """
        _, size = resolve_target((height, width), **{"scale": None, "size": None} | self.of(height, width))
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

    def is_beyond(self, largest: float, height: int, width: int) -> bool:
        """Whether it enlarges an image of that size by more than a factor."""
        wide, high = self.pixels(height, width)
        exact = self.scale or Scale.between((height, width), (high, wide))
        return exact.larger > largest


def parse_memory(text: str) -> int:
    """Bytes of `512M` or `2G`.

    Raises:
      ArbsrError: it is not understood.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([MG])i?B?", text, re.ASCII | re.IGNORECASE)
    if not match:
        raise ArbsrError(f"memory {text!r} is not understood; give mebibytes or gibibytes, for example 512M or 2G")
    return int(float(match[1]) * 2 ** (20 if match[2].upper() == "M" else 30))
