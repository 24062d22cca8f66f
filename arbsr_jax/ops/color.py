"""Luma as super-resolution benchmarks compute it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, UInt8

Y_OFFSET = 16.0
Y_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255.0


def rgb_to_y(image: UInt8[np.ndarray, "height width 3"]) -> Float64[np.ndarray, "height width"]:
    """Y of ITU-R BT.601 in 16..235, not rounded, of an RGB image in 0..255 (MATLAB's rgb2ycbcr before rounding)."""
    return Y_OFFSET + image.astype(np.float64) @ Y_WEIGHTS
