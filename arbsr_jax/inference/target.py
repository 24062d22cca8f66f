"""What is asked of an upscaler: an image, and a scale or a size."""

from __future__ import annotations

from fractions import Fraction
from numbers import Real

import numpy as np
from jaxtyping import Float32, Shaped

from arbsr_jax.errors import ArbsrError
from arbsr_jax.ops.geometry import LARGEST_SCALE, SMALLEST_SCALE, Scale

ScaleLike = Scale | str | Real | tuple[Real, Real]
DEPTHS = {np.dtype(np.uint8): 1, np.dtype(np.uint16): 257}  # types of pixels, and their values for a grey level of 255


def check_image(image: np.ndarray) -> None:
    """Refuse what is no image.

    Raises:
      ArbsrError: it is not uint8 or uint16, not [height, width, 3], or empty.
    """
    if not isinstance(image, np.ndarray) or image.dtype not in DEPTHS or image.ndim != 3 or image.shape[2] != 3:
        given = f"{image.dtype}{list(image.shape)}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ArbsrError(f"the image is {given}; a uint8 or uint16 array [height, width, 3] in RGB is needed")
    if 0 in image.shape:
        raise ArbsrError(f"the image is empty: {list(image.shape)}")


def rounded(values: Float32[np.ndarray, "..."], dtype: np.dtype) -> Shaped[np.ndarray, "..."]:
    """Values in 0..255 as pixels of a type, rounded half up and clipped."""
    return np.clip(np.floor(values * np.float32(DEPTHS[dtype]) + 0.5), 0, np.iinfo(dtype).max).astype(dtype)


def target(
    lr_size: tuple[int, int], scale: ScaleLike | None, size: tuple[int, int] | None
) -> tuple[Scale, tuple[int, int]]:
    """Exact scale and HR (height, width) from whichever of scale and size (width, height) was given.

    Raises:
      ArbsrError: both or none was given, or a factor is not from 1 to 8.
    """
    if (scale is None) == (size is None):
        raise ArbsrError("give either scale=(horizontal, vertical) or size=(width, height)")
    if scale is not None:
        scale = Scale.of(scale)
        return scale, scale.output_size(*lr_size)
    height, width = size[1], size[0]
    exact = Scale(Fraction(height, lr_size[0]), Fraction(width, lr_size[1]))
    if not all(SMALLEST_SCALE <= factor <= LARGEST_SCALE for factor in (exact.vertical, exact.horizontal)):
        raise ArbsrError(
            f"size {width}x{height} of a {lr_size[1]}x{lr_size[0]} image is {exact.in_words}; "
            f"both must be from {SMALLEST_SCALE} to {LARGEST_SCALE}"
        )
    return exact, (height, width)
