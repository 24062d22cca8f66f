"""Self-ensemble: the average over the eight flips and transposes of an image (Lim et al. 2017, "EDSR+")."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.inference.upscaler import ScaleLike, Upscaler, target
from arbsr_jax.ops.geometry import Scale


def upscale_by_ensemble(
    upscaler: Upscaler,
    image: UInt8[np.ndarray, "height width 3"],
    scale: ScaleLike | None = None,
    size: tuple[int, int] | None = None,
) -> UInt8[np.ndarray, "new_height new_width 3"]:
    """Super-resolve one RGB image eight times, each view turned back, and average before rounding.

    A transpose swaps r_h and r_v. The factors are out / in on each axis, for which a flipped grid falls on itself;
    they differ from `scale` where that makes no whole number of pixels.

    Args:
      upscaler: the network.
      image: uint8, [height, width, 3].
      scale: as in `Upscaler.upscale`.
      size: as in `Upscaler.upscale`.

    Raises:
      ArbsrError: as in `Upscaler.upscale`.
    """
    _, (height, width) = target(image.shape[:2], scale, size)
    exact = Scale(Fraction(height, image.shape[0]), Fraction(width, image.shape[1]))
    total = np.zeros((height, width, 3), np.float32)
    for transposed, vertical, horizontal in product((False, True), (1, -1), (1, -1)):
        view = image[::vertical, ::horizontal]
        if transposed:
            swapped = Scale(vertical=exact.horizontal, horizontal=exact.vertical)
            result = upscaler.upscale_unrounded(np.ascontiguousarray(view.swapaxes(0, 1)), swapped).swapaxes(0, 1)
        else:
            result = upscaler.upscale_unrounded(np.ascontiguousarray(view), exact)
        total += result[::vertical, ::horizontal]
    return np.clip(np.floor(total / 8 + 0.5), 0, 255).astype(np.uint8)
