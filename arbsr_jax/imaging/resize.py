"""MATLAB's imresize: bicubic, antialiased, bit-identical on uint8.

Keys' cubic convolution with a = -1/2, widened by 1/s when shrinking; weights normalised; mirrored borders; the axis
of the smaller scale first; uint8 rounded half up between the two passes and at the end.
(R. Keys, "Cubic convolution interpolation for digital image processing", 1981; MATLAB's documentation of imresize.)
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Int64, Num, Shaped
from scipy import sparse

from arbsr_jax.imaging.scale import Number, Scale, Size, as_fraction

# Sums that are k + 1/2 in exact arithmetic must round up whatever the order of summation. In float64 they miss the
# half by about 1e-13, and the nearest other value of the scales in use lies more than 1e-8 away.
TIE = 1e-9


def cubic(x: Float[Any, "..."]) -> Float[Any, "..."]:
    """Keys' cubic kernel with a = -1/2; support [-2, 2]. For numpy and jax arrays alike."""
    where, x = x.__array_namespace__().where, abs(x)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return where(x <= 1, near, where(x <= 2, far, 0.0))


def contributions(
    step: Fraction, length: int, start: int = 0
) -> tuple[Int64[np.ndarray, "length taps"], Float64[np.ndarray, "length taps"]]:
    """Which input pixels make output pixels start .. start+length-1, and with what weights.

    Args:
      step: input pixels per output pixel, in / out.
      length: number of output pixels.
      start: index of the first of them.

    Returns:
      Input indices on an endless axis (borders are the caller's), and weights that add up to 1. Shifting the output
      by q pixels of step p/q shifts the indices by p and leaves the weights the same to the last bit, which makes
      a patch resized with margins equal to the patch of the resized whole.
    """
    p, q = step.numerator, step.denominator
    x = np.arange(start, start + length, dtype=np.int64)
    doubled = (2 * x + 1) * p - q  # input position times 2q, exact
    shrink = min(1.0, q / p)
    width = 4 / shrink
    first = doubled // (2 * q) - math.ceil(width / 2)
    taps = first[:, None] + np.arange(math.ceil(width) + 3)
    distance = (doubled[:, None] - 2 * q * taps) / (2 * q)
    weights = cubic(shrink * distance)
    used = np.flatnonzero(weights.any(axis=0))
    weights, taps = weights[:, used], taps[:, used]
    return taps, weights / weights.sum(axis=1, keepdims=True)


def reflect(index: Int64[np.ndarray, "..."], length: int) -> Int64[np.ndarray, "..."]:
    """Indices folded into 0..length-1 by symmetric reflection (the border pixel is repeated)."""
    index = index % (2 * length)
    return np.minimum(index, 2 * length - 1 - index)


def weight_matrix(out_length: int, in_length: int, step: Fraction) -> sparse.csr_matrix:
    """Sparse [out_length, in_length] matrix of one pass over a whole axis."""
    taps, weights = contributions(step, out_length)
    rows = np.repeat(np.arange(out_length), taps.shape[1])
    columns = reflect(taps, in_length).ravel()
    return sparse.csr_matrix((weights.ravel(), (rows, columns)), shape=(out_length, in_length))


def round_to_uint8(x: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
    """Rounded half up and clipped to 0..255, still as float64."""
    rounded = x + (0.5 + TIE)
    np.floor(rounded, out=rounded)
    return rounded.clip(0, 255, out=rounded)


def rows_first(vertical_step: Fraction, horizontal_step: Fraction) -> bool:
    """Whether the pass over rows comes first: the axis that shrinks more does, rows on ties."""
    return vertical_step >= horizontal_step


def imresize(
    image: Shaped[np.ndarray, "height width *channels"],
    *,
    height: int | None = None,
    width: int | None = None,
    scale: Scale | Number | None = None,
) -> Num[np.ndarray, "new_height new_width *channels"]:
    """MATLAB's `imresize(image, [height width])` or `imresize(image, scale)` with the default bicubic kernel.

    Args:
      image: uint8 (rounded as MATLAB does) or float (not rounded, float64 returned); gray or with channels.
      height: of the result in pixels.
      width: of the result in pixels.
      scale: instead of a size: one factor for both axes, or a `Scale`, below or above 1; the result has
        ceil(scale * length) pixels per axis.

    Raises:
      ValueError: not exactly one of size and scale, or a size below 1.
    """
    old = image.shape[:2]
    if scale is None and height is not None and width is not None:
        new = Size(height, width)
        steps = tuple(Fraction(int(a), int(b)) if b > 0 else Fraction(0) for a, b in zip(old, new, strict=True))
    elif scale is not None and height is None and width is None:
        if not isinstance(scale, Scale):
            factor = as_fraction(scale)
            scale = Scale(vertical=factor, horizontal=factor)
        new = Size(math.ceil(scale.vertical * old[0]), math.ceil(scale.horizontal * old[1]))
        steps = scale.inverse.vertical, scale.inverse.horizontal
    else:
        raise ValueError("imresize needs either height=... and width=..., or scale=...")
    if min(new) < 1:
        raise ValueError(f"imresize to {new} pixels: both sides must be at least 1")
    finish = round_to_uint8 if image.dtype == np.uint8 else lambda x: x
    result = image.astype(np.float64)
    for axis in (0, 1) if rows_first(*steps) else (1, 0):
        result = finish(_resize_axis(result, weight_matrix(new[axis], old[axis], steps[axis]), axis))
    return result.astype(np.uint8) if image.dtype == np.uint8 else result


def _resize_axis(image: np.ndarray, matrix: sparse.csr_matrix, axis: int) -> np.ndarray:
    lines = np.moveaxis(image, axis, 0)
    resized = matrix @ lines.reshape(lines.shape[0], -1)
    return np.moveaxis(resized.reshape(-1, *lines.shape[1:]), 0, axis)
