"""Self-ensemble: the average over the eight flips and transposes of an image (Lim et al. 2017, "EDSR+")."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
from jaxtyping import Shaped

from arbsr_jax.inference.target import ScaleLike, check_image, rounded, target
from arbsr_jax.inference.upscaler import Progress, Upscaler
from arbsr_jax.ops.geometry import Scale


def upscale_by_ensemble(
    upscaler: Upscaler,
    image: Shaped[np.ndarray, "height width 3"],
    scale: ScaleLike | None = None,
    size: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> Shaped[np.ndarray, "new_height new_width 3"]:
    """Super-resolve one RGB image eight times, each view turned back, and average before rounding.

    A transpose swaps r_h and r_v. The factors are out / in on each axis, for which a flipped grid falls on itself;
    they differ from `scale` where that makes no whole number of pixels.

    Args:
      upscaler: the network.
      image: uint8 or uint16, [height, width, 3].
      scale: as in `Upscaler.upscale`.
      size: as in `Upscaler.upscale`.
      progress: as in `Upscaler.upscale`.

    Raises:
      ArbsrError: as in `Upscaler.upscale`.
    """
    check_image(image)
    _, (height, width) = target(image.shape[:2], scale, size)
    exact = Scale(Fraction(height, image.shape[0]), Fraction(width, image.shape[1]))
    total = np.zeros((height, width, 3), np.float32)
    for number, (transposed, vertical, horizontal) in enumerate(product((False, True), (1, -1), (1, -1)), start=1):
        view = image[::vertical, ::horizontal]
        if transposed:
            swapped = Scale(vertical=exact.horizontal, horizontal=exact.vertical)
            result = upscaler.upscale_unrounded(np.ascontiguousarray(view.swapaxes(0, 1)), swapped).swapaxes(0, 1)
        else:
            result = upscaler.upscale_unrounded(np.ascontiguousarray(view), exact)
        total += result[::vertical, ::horizontal]
        if progress:
            progress(number / 8)
    return rounded(total / 8, image.dtype)
