"""A photograph as it came out of a file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from arbsr_jax.typing import Pixels


class Resolution(NamedTuple):
    """Pixels per millimetre, and the unit in which the file tells them: "in" or "cm"."""

    horizontal: float
    vertical: float
    unit: str


def shape_of_pixel(horizontal: int, vertical: int) -> tuple[int, int]:
    """(width, height) of a pixel, of which so many lie in a length of each axis; in lowest terms."""
    common = math.gcd(horizontal, vertical)
    return vertical // common, horizontal // common


@dataclass(frozen=True)
class Metadata:
    """What a file says of its picture.

    Attributes:
      icc: colour profile, or None.
      exif: EXIF block, its orientation already applied, or None.
      xmp: XMP packet, or None.
      iptc: IPTC block, or None; only a file of the same `kind` can hold it as it is.
      resolution: pixels per length, or None if the file does not tell.
      chunks: text and colour chunks of a PNG, as (type, content).
      kind: libvips' word for the kind of file it came from, as in "jpeg".
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    resolution: Resolution | None = None
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    kind: str = ""


@dataclass(frozen=True)
class Photo:
    """Pixels the right way up, and what is to be kept with them.

    Attributes:
      pixels: uint8 or uint16; 1 channel is gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha (not premultiplied).
      metadata: what the file says of them.
      frames: number of images in the file.
      remarks: what was changed while reading, in words.
    """

    pixels: Pixels
    metadata: Metadata = field(default_factory=Metadata)
    frames: int = 1
    remarks: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """Size, depth and kind."""
        height, width, channels = self.pixels.shape
        kind = {1: "gray", 2: "gray with alpha", 3: "RGB", 4: "RGBA"}[channels]
        return f"{width}x{height}, {8 * self.pixels.itemsize}-bit {kind}"
