"""PSNR and SSIM on Y, as super-resolution papers report them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64, UInt8
from skimage.metrics import structural_similarity

from arbsr_jax.imaging.scale import Scale

PEAK = 255.0
Y_OFFSET = 16.0
Y_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255.0
SSIM_WINDOW, SSIM_SIGMA = 11, 1.5


class Quality(NamedTuple):
    """How close a picture is to its HR image.

    Attributes:
      psnr: in dB, on Y.
      ssim: on Y.
      lpips: perceptual distance of the RGB images; None if it was not computed.
    """

    psnr: float
    ssim: float
    lpips: float | None = None


def rgb_to_y(image: UInt8[np.ndarray, "height width 3"]) -> Float64[np.ndarray, "height width"]:
    """Y of ITU-R BT.601 in 16..235, not rounded, of an RGB image in 0..255 (MATLAB's rgb2ycbcr before rounding)."""
    return Y_OFFSET + image.astype(np.float64) @ Y_WEIGHTS


def crop_border(scale: Scale) -> tuple[int, int]:
    """Pixels that scores leave out on each side, (rows, columns): ceil(r) per axis."""
    return math.ceil(scale.vertical), math.ceil(scale.horizontal)


def quality_y(
    sr: UInt8[np.ndarray, "height width 3"],
    hr: UInt8[np.ndarray, "hr_height hr_width 3"],
    border: tuple[int, int] = (0, 0),
    luma_gain: float = 1.0,
) -> Quality:
    """PSNR and SSIM of Y, `border` (rows, columns) left out on each side.

    Args:
      sr: the picture.
      hr: its HR image, of the same size.
      border: as of `crop_border`.
      luma_gain: for SSIM alone, what multiplies the coefficients of Y; for protocols that stretch it.

    Raises:
      ValueError: the images are of different sizes.
    """
    y, reference = _inner_y(sr, hr, border)
    stretched = (Y_OFFSET + luma_gain * (channel - Y_OFFSET) for channel in (y, reference))
    return Quality(psnr(y, reference), ssim(*stretched))


def psnr_y(
    sr: UInt8[np.ndarray, "height width 3"],
    hr: UInt8[np.ndarray, "hr_height hr_width 3"],
    border: tuple[int, int] = (0, 0),
) -> float:
    """PSNR of `quality_y` without SSIM, which takes most of the time.

    Raises:
      ValueError: the images are of different sizes.
    """
    return psnr(*_inner_y(sr, hr, border))


def _inner_y(sr: np.ndarray, hr: np.ndarray, border: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Y of both images without their borders."""
    if sr.shape != hr.shape:
        raise ValueError(f"images of different shapes cannot be compared: {sr.shape} and {hr.shape}")
    rows, columns = border
    height, width = hr.shape[:2]
    inner = slice(rows, height - rows), slice(columns, width - columns)
    return rgb_to_y(sr[inner]), rgb_to_y(hr[inner])


def psnr(a: Float64[np.ndarray, "height width"], b: Float64[np.ndarray, "height width"]) -> float:
    """Peak signal-to-noise ratio in dB of two channels in 0..255; inf for equal ones, nan for empty ones."""
    if a.size == 0:
        return math.nan
    error = np.mean((a - b) ** 2)
    return math.inf if error == 0 else float(10 * np.log10(PEAK**2 / error))


def ssim(a: Float64[np.ndarray, "height width"], b: Float64[np.ndarray, "height width"]) -> float:
    """Structural similarity (Wang et al. 2004) of two channels in 0..255; nan below 11 pixels.

    Gaussian 11x11 window, sigma 1.5, averaged over the area where the window fits.
    """
    if min(a.shape) < SSIM_WINDOW:
        return math.nan
    settings = {"gaussian_weights": True, "sigma": SSIM_SIGMA, "use_sample_covariance": False}
    similarity: Any = structural_similarity(a, b, data_range=PEAK, **settings)
    return float(similarity)
