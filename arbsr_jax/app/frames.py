"""Frames of films as RGB and back, by the matrix and the range that the film itself names."""

from __future__ import annotations

import importlib
import struct
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

from arbsr_jax.errors import ArbsrError, missing_extra

HD_LINES, HD_COLUMNS = 720, 1024  # from which players take BT.709 where nothing is said
UNSPECIFIED = 2  # ITU-T H.273
RGB, BT709, BT601 = 0, 1, 5
LIMITED, FULL = 1, 2  # FFmpeg's colour ranges
NAMES_RANGE = ("h264", "hevc", "vp9", "av1", "matroska", "webm")  # codecs and containers that can say it


class Colours(NamedTuple):
    """Code points of ITU-T H.273, and the range."""

    matrix: int
    range: int
    primaries: int
    transfer: int


class Orientation(NamedTuple):
    """Whether rows and columns change places, and which of them are reversed then."""

    transposed: bool
    flip_rows: bool
    flip_columns: bool

    def applied(self, pixels: Shaped[np.ndarray, "_ _ 3"]) -> Shaped[np.ndarray, "_ _ 3"]:
        """A frame as players show it."""
        pixels = pixels.swapaxes(0, 1) if self.transposed else pixels
        return np.ascontiguousarray(pixels[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1])


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
    matrix = usual if frame.colorspace in (None, RGB, UNSPECIFIED) else int(frame.colorspace)
    full = frame.color_range == FULL or frame.format.name.startswith("yuvj")
    primaries, transfer = (int(value or UNSPECIFIED) for value in (frame.color_primaries, frame.color_trc))
    return Colours(matrix, FULL if full else LIMITED, primaries, transfer)


def is_rgb(pixel_format: str) -> bool:
    """Whether pixels of a format are red, green and blue, without a matrix."""
    return pixel_format.startswith(("rgb", "bgr", "gbr", "argb", "abgr"))


def as_written(colours: Colours, kind: str, codec: str, pixel_format: str) -> Colours:
    """What a film's colours become where its container or codec cannot name them.

    Args:
      colours: of the source.
      kind: of the container, in FFmpeg's words.
      codec: of the pictures to write.
      pixel_format: of them.
    """
    if is_rgb(pixel_format):
        return colours._replace(matrix=RGB, range=FULL)
    if codec not in NAMES_RANGE and kind not in NAMES_RANGE:
        return colours._replace(range=LIMITED)
    return colours


def orientation(frame: Any) -> Orientation:
    """How a frame is to be turned, by its display matrix."""
    kinds = importlib.import_module("av.sidedata.sidedata").Type
    data = frame.side_data.get(kinds.DISPLAYMATRIX)
    a, b, _, c, d, *_ = struct.unpack("<9i", bytes(data)[:36]) if data else (1, 0, 0, 0, 1)
    if abs(b) > abs(a):  # columns become rows
        return Orientation(transposed=True, flip_rows=b < 0, flip_columns=c < 0)
    return Orientation(transposed=False, flip_rows=d < 0, flip_columns=a < 0)


def is_deep(frame: Any) -> bool:
    """Whether a frame has more than 8 bits."""
    return max(component.bits for component in frame.format.components) > 8


def to_rgb(frame: Any, colours: Colours, size: tuple[int, int]) -> Shaped[np.ndarray, "height width 3"]:
    """A frame as RGB of `size` (width, height): uint16 if it has more than 8 bits, else uint8."""
    rgb = frame.reformat(
        format="rgb48le" if is_deep(frame) else "rgb24",
        width=size[0],
        height=size[1],
        src_colorspace=None if is_rgb(frame.format.name) else colours.matrix,
        src_color_range=FULL if is_rgb(frame.format.name) else colours.range,
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
            dst_colorspace=None if is_rgb(pixel_format) else colours.matrix,
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
