"""PSNR and SSIM on Y, as super-resolution papers report them."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, UInt8
from scipy.ndimage import correlate1d

from arbsr_jax.ops.color import Y_OFFSET, rgb_to_y
from arbsr_jax.ops.geometry import Scale

PEAK = 255.0
SSIM_RADIUS, SSIM_SIGMA = 5, 1.5
SSIM_K1, SSIM_K2 = 0.01, 0.03


def shaved(image: UInt8[np.ndarray, "height width 3"], border: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    """The image without `border` (rows, columns) pixels on each side."""
    rows, columns = border
    height, width = image.shape[:2]
    return image[rows : height - rows, columns : width - columns]


def shave_border(scale: Scale) -> tuple[int, int]:
    """Pixels that scores leave out on each side, (rows, columns): ceil(r) per axis."""
    return math.ceil(scale.vertical), math.ceil(scale.horizontal)


def psnr_y(
    sr: UInt8[np.ndarray, "height width 3"], hr: UInt8[np.ndarray, "height width 3"], border: tuple[int, int] = (0, 0)
) -> float:
    """Peak signal-to-noise ratio of Y in dB (peak 255), `border` (rows, columns) left out; inf for equal images."""
    return psnr(*_luma_pair(sr, hr, border))


def ssim_y(
    sr: UInt8[np.ndarray, "height width 3"],
    hr: UInt8[np.ndarray, "height width 3"],
    border: tuple[int, int] = (0, 0),
    luma_gain: float = 1.0,
) -> float:
    """Structural similarity of Y (Wang et al. 2004): Gaussian 11x11, sigma 1.5, valid area; nan below 11 pixels.

    `luma_gain` multiplies the coefficients of Y, for protocols that stretch it.
    """
    return ssim(*(Y_OFFSET + luma_gain * (y - Y_OFFSET) for y in _luma_pair(sr, hr, border)))


def psnr(a: Float64[np.ndarray, "height width"], b: Float64[np.ndarray, "height width"]) -> float:
    """Peak signal-to-noise ratio in dB of two channels in 0..255; inf for equal ones, nan for empty ones."""
    if a.size == 0:
        return math.nan
    error = np.mean((a - b) ** 2)
    return math.inf if error == 0 else float(10 * np.log10(PEAK**2 / error))


def ssim(a: Float64[np.ndarray, "height width"], b: Float64[np.ndarray, "height width"]) -> float:
    """Structural similarity of two channels in 0..255, averaged over the area where the window fits."""
    if min(a.shape) < 2 * SSIM_RADIUS + 1:
        return math.nan
    offsets = np.arange(-SSIM_RADIUS, SSIM_RADIUS + 1)
    window = np.exp(-(offsets**2) / (2 * SSIM_SIGMA**2))
    window /= window.sum()

    def local_mean(x: np.ndarray) -> np.ndarray:
        blurred = correlate1d(correlate1d(x, window, axis=0), window, axis=1)
        return blurred[SSIM_RADIUS:-SSIM_RADIUS, SSIM_RADIUS:-SSIM_RADIUS]

    c1, c2 = (SSIM_K1 * PEAK) ** 2, (SSIM_K2 * PEAK) ** 2
    mean_a, mean_b = local_mean(a), local_mean(b)
    variance_a, variance_b = local_mean(a * a) - mean_a**2, local_mean(b * b) - mean_b**2
    covariance = local_mean(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    return float(np.mean(luminance * structure))


def _luma_pair(sr: np.ndarray, hr: np.ndarray, border: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    if sr.shape != hr.shape:
        raise ValueError(f"images of different shapes cannot be compared: {sr.shape} and {hr.shape}")
    return rgb_to_y(shaved(sr, border)), rgb_to_y(shaved(hr, border))
