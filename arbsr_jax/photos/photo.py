"""A photograph as it came out of a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

Pixels = Shaped[np.ndarray, "_ _ _"]  # [height, width, channels], uint8 or uint16


@dataclass(frozen=True)
class Photo:
    """Pixels the right way up, and what is to be kept with them.

    Attributes:
      pixels: uint8 or uint16; 1 channel is gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha (not premultiplied).
      icc: colour profile, or None.
      exif: EXIF block, its orientation already applied and set to normal, or None.
      frames: number of images in the file.
      remarks: what was changed while reading, in words.
    """

    pixels: Pixels
    icc: bytes | None = None
    exif: bytes | None = None
    frames: int = 1
    remarks: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """Size, depth and kind."""
        height, width, channels = self.pixels.shape
        kind = {1: "gray", 2: "gray with alpha", 3: "RGB", 4: "RGBA"}[channels]
        return f"{width}x{height}, {8 * self.pixels.itemsize}-bit {kind}"


def to_8_bit(pixels: Pixels) -> Pixels:
    """16-bit values as 8-bit ones, rounded half up."""
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
