"""Self-ensemble: the mean over eight views of an image ("EDSR+", Lim et al. 2017)."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from arbsr_jax.imaging.scale import Scale, Size
from arbsr_jax.inference.channels import Progress

VIEWS = list(itertools.product((False, True), (1, -1), (1, -1)))  # transposed; steps along rows and columns


def mean_of_views(
    upscale: Callable[[np.ndarray, Scale], np.ndarray], image: np.ndarray, hr: Size, progress: Progress | None
) -> Float32[np.ndarray, "new_height new_width 3"]:
    """The eight views' results turned back and averaged. A transpose swaps r_h and r_v.

    The factors are out / in on each axis, for which a flipped grid falls on itself; they differ from the scale if that
    makes no whole number of pixels.

    Args:
      upscale: of an image by a scale, not rounded.
      image: [height, width, 3].
      hr: size of the result.
      progress: called with the share of the views that is done.
    """
    exact, total = Scale.between(image.shape[:2], hr), np.zeros((*hr, 3), np.float32)
    for number, (transposed, vertical, horizontal) in enumerate(VIEWS, start=1):
        view = image[::vertical, ::horizontal]
        if transposed:
            result = upscale(np.ascontiguousarray(view.swapaxes(0, 1)), exact.transposed).swapaxes(0, 1)
        else:
            result = upscale(np.ascontiguousarray(view), exact)
        total += result[::vertical, ::horizontal]
        if progress:
            progress(number / len(VIEWS))
    return total / len(VIEWS)
