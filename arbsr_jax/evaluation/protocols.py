"""How LR and HR are made from an image: numbers of different protocols must not be compared.

standard   h = floor(H / r_v), HR cut to round(h * r_v) rows from the top, the same for columns;
           LR = imresize(HR, (h, w)).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.errors import ArbsrError
from arbsr_jax.ops.geometry import Scale
from arbsr_jax.ops.resize import imresize


class Pair(NamedTuple):
    """What a protocol makes of one image at one scale."""

    lr: UInt8[np.ndarray, "height width 3"]
    hr: UInt8[np.ndarray, "hr_height hr_width 3"]


def standard(image: UInt8[np.ndarray, "height width 3"], scale: Scale) -> Pair:
    """LR sizes rounded down, HR cut to fit.

    Raises:
      ArbsrError: the image is too small for the scale.
    """
    height, width = int(image.shape[0] / scale.vertical), int(image.shape[1] / scale.horizontal)
    if min(height, width) < 1:
        raise ArbsrError(f"an image of {image.shape[1]}x{image.shape[0]} pixels is too small for scale {scale}")
    hr_height, hr_width = scale.output_size(height, width)
    hr = image[:hr_height, :hr_width]
    return Pair(imresize(hr, size=(height, width)), hr)


PROTOCOLS: dict[str, Callable[[UInt8[np.ndarray, "height width 3"], Scale], Pair]] = {"standard": standard}
