"""Frames of films as RGB and back, by the matrix and the range that the film itself names."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

from arbsr_jax.errors import ArbsrError, missing_extra

HD_LINES, HD_COLUMNS = 720, 1024  # from which players take BT.709 where nothing is said
UNSPECIFIED = 2  # ITU-T H.273
BT709, BT601 = 1, 5
LIMITED, FULL = 1, 2  # FFmpeg's colour ranges


class Colours(NamedTuple):
    """Code points of ITU-T H.273, and the range."""

    matrix: int
    range: int
    primaries: int
    transfer: int


def pyav() -> Any:
    """PyAV.

    Raises:
      ArbsrError: it is not installed.
    """
    try:
        return importlib.import_module("av")
    except ImportError:
        raise ArbsrError(missing_extra("PyAV, which reads films,", "films")) from None


def colours_of(frame: Any) -> Colours:
    """What a frame says. If it names no matrix, the one that players take; it is named then, as sizes change."""
    usual = BT709 if frame.height >= HD_LINES or frame.width > HD_COLUMNS else BT601
    matrix = usual if frame.colorspace in (None, 0, UNSPECIFIED) else int(frame.colorspace)
    full = frame.color_range == FULL or frame.format.name.startswith("yuvj")
    primaries, transfer = (int(value or UNSPECIFIED) for value in (frame.color_primaries, frame.color_trc))
    return Colours(matrix, FULL if full else LIMITED, primaries, transfer)


def is_deep(frame: Any) -> bool:
    """Whether a frame has more than 8 bits."""
    return max(component.bits for component in frame.format.components) > 8


def to_rgb(frame: Any, colours: Colours, size: tuple[int, int]) -> Shaped[np.ndarray, "height width 3"]:
    """A frame as RGB of `size` (width, height): uint16 if it has more than 8 bits, else uint8."""
    rgb = frame.reformat(
        format="rgb48le" if is_deep(frame) else "rgb24",
        width=size[0],
        height=size[1],
        src_colorspace=colours.matrix,
        src_color_range=colours.range,
        dst_color_range=FULL,
        interpolation=_exact(),
    )
    return rgb.to_ndarray()


def from_rgb(pixels: Shaped[np.ndarray, "height width 3"], colours: Colours, pixel_format: str) -> Any:
    """RGB as a frame of a pixel format."""
    kind = "rgb48le" if pixels.dtype == np.uint16 else "rgb24"
    made = (
        pyav()
        .VideoFrame.from_ndarray(pixels, format=kind)
        .reformat(
            format=pixel_format,
            src_color_range=FULL,
            dst_colorspace=colours.matrix,
            dst_color_range=colours.range,
            interpolation=_exact(),
        )
    )
    # Only now: FFmpeg would convert the values to them.
    made.color_primaries, made.color_trc = colours.primaries, colours.transfer
    return made


def _exact() -> Any:
    how = importlib.import_module("av.video.reformatter").Interpolation
    return how.BICUBIC | how.ACCURATE_RND | how.FULL_CHR_H_INP | how.FULL_CHR_H_INT
