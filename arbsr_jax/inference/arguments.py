"""The arguments of `upscale`: pixels, and a scale or a size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from numbers import Integral

import numpy as np
from jaxtyping import Float32, Shaped

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import LARGEST_SCALE, SMALLEST_SCALE, Number, Scale, Size, round_half_up

ScaleLike = Scale | str | Number | tuple[Number, Number] | np.ndarray
SizeLike = str | tuple[int | Integral, int | Integral]  # (width, height) in pixels, or "1920x1080", "1920x", "x1080"
GREY_LEVEL = {
    np.dtype(np.uint8): 1,
    np.dtype(np.uint16): 257,
    np.dtype(np.float32): 1 / 255,
}  # pixels: a grey level's value


def check_pixels(image: object) -> None:
    """Refuse everything but an RGB image.

    Raises:
      ArbsrError: it is not uint8, uint16 or float32, not [height, width, 3], or empty.
    """
    if not isinstance(image, np.ndarray) or image.dtype not in GREY_LEVEL or image.ndim != 3 or image.shape[2] != 3:
        what = f"{image.dtype}{list(image.shape)}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ArbsrError(f"the image is {what}; a uint8, uint16 or float32 array [height, width, 3] in RGB is needed")
    if 0 in image.shape:
        raise ArbsrError(f"the image is empty: {list(image.shape)}")


def to_pixels(values: Float32[np.ndarray, "..."], dtype: np.dtype) -> Shaped[np.ndarray, "..."]:
    """Values in 0..255 as pixels of a type: clipped, and rounded half up if it is of integers."""
    if dtype.kind == "f":
        return np.clip(values * np.float32(GREY_LEVEL[dtype]), 0, 1).astype(dtype)
    return np.clip(np.floor(values * np.float32(GREY_LEVEL[dtype]) + 0.5), 0, np.iinfo(dtype).max).astype(dtype)


def open_size(text: str) -> tuple[int, int]:
    """(width, height) of `1920x1080`; of `1920x` and `x1080` the side that is left open is 0.

    Raises:
      ArbsrError: it is not understood.
    """
    match = re.fullmatch(r"(\d*)[xX×](\d*)", text, re.ASCII)
    if not match or not (match[1] or match[2]) or 0 in {int(side) for side in match.groups() if side}:
        raise ArbsrError(
            f"size {text!r} is not understood; give width x height in pixels, for example 1920x1080, "
            "or one of them: 1920x or x1080"
        )
    return int(match[1] or 0), int(match[2] or 0)


def resolve_target(lr: tuple[int, int], scale: ScaleLike | None, size: SizeLike | None) -> tuple[Scale, Size]:
    """Exact scale and HR size from whichever of scale and size there is.

    Args:
      lr: (height, width) of the LR image.
      scale: one factor, or (horizontal, vertical), or '2.5x3.5'.
      size: (width, height) of the HR image, or in words, of which one side may be left open: the shape is kept then.

    Raises:
      ArbsrError: there are both or none, one is not understood, or a factor is not from 1 to 8.
    """
    if (scale is None) == (size is None):
        raise ArbsrError("give either scale=(horizontal, vertical) or size=(width, height)")
    if scale is not None:
        scale = Scale.of(scale)
        return scale, scale.output_size(*lr)
    if isinstance(size, str):
        (width, height), shape = open_size(size), Fraction(lr[1], lr[0])
        size = width or round_half_up(height * shape), height or round_half_up(width / shape)
    if not isinstance(size, Sequence) or len(size) != 2 or not all(isinstance(side, Integral) for side in size):
        raise ArbsrError(f"size {size!r} is not understood; give (width, height) in whole pixels")
    hr = Size(width=int(size[0]), height=int(size[1]))
    exact = Scale.between(lr, hr)
    if not exact.allowed:
        raise ArbsrError(
            f"size {hr} of a {Size(*lr)} image is {exact.in_words}; "
            f"both must be from {SMALLEST_SCALE} to {LARGEST_SCALE}"
        )
    return exact, hr
