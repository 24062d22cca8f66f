"""How much an image has suffered, from its pixels alone: the step of JPEG's quantisation, and the sigma of noise.

In the blocks of a decoded JPEG file the coefficients of each frequency are multiples of a step (Fan and de Queiroz,
"Identification of Bitmap Compression History", 2003). Noise is what is left in the flattest places of the finest
diagonal Haar band (Donoho and Johnstone, "Ideal Spatial Adaptation by Wavelet Shrinkage", 1994).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8
from scipy.fft import dctn

from arbsr_jax.imaging.metrics import rgb_to_y
from arbsr_jax.typing import RGB8

BLOCK = 8  # pixels of JPEG
LOWEST = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (2, 2))  # frequencies that every photograph has
STEPS = range(2, 61)
FEWEST = 12  # coefficients of a frequency from which its step can be estimated
COMB = 0.5  # mean cosine from which coefficients count as multiples of a step
VIDEO_RANGE = 219 / 255  # of Y, which JPEG files keep in 0..255
HAAR_BLOCK, FLATTEST = 4, 0.1  # pixels of a block of the band; share of the blocks
LARGEST = 1024  # pixels of a side that are looked at, in the middle
CLEAN_STEP, COARSE_STEP = 1.0, 4.0  # of JPEG: qualities of 95 and of 85
CLEAN_SIGMA, NOISY_SIGMA = 4.5, 6.5  # grey levels: fine texture reaches the first


def restore_strength(image: RGB8) -> float:
    """What to set a dial of restoration to, from 0 (the image is clean) to 1, in quarters."""
    of_jpeg = (jpeg_step(image) - CLEAN_STEP) / (COARSE_STEP - CLEAN_STEP)
    of_noise = (noise_sigma(image) - CLEAN_SIGMA) / (NOISY_SIGMA - CLEAN_SIGMA)
    return round(4 * float(np.clip(max(of_jpeg, of_noise), 0, 1))) / 4


def jpeg_step(image: RGB8) -> float:
    """The median step of low frequencies in grey levels; 1 if the image was no JPEG file, or a nearly perfect one."""
    y = rgb_to_y(_middle(image)) / VIDEO_RANGE
    rows, columns = (length // BLOCK for length in y.shape)
    if not rows * columns:
        return 1.0
    blocks = y[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2)
    coefficients = np.asarray(dctn(blocks, axes=(2, 3), norm="ortho"))
    return float(np.median([_step_of(coefficients[..., row, column].ravel()) for row, column in LOWEST]))


def noise_sigma(image: RGB8) -> float:
    """The standard deviation of noise in grey levels; too much where an image has fine texture everywhere."""
    y = _middle(image)[..., 1].astype(np.float64)
    rows, columns = (length // (2 * HAAR_BLOCK) for length in y.shape)
    if not rows * columns:
        return 0.0
    y = y[: rows * 2 * HAAR_BLOCK, : columns * 2 * HAAR_BLOCK]
    band = (y[::2, ::2] - y[1::2, ::2] - y[::2, 1::2] + y[1::2, 1::2]) / 2
    blocks = band.reshape(rows, HAAR_BLOCK, columns, HAAR_BLOCK)
    return float(np.quantile(np.sqrt((blocks**2).mean(axis=(1, 3))), FLATTEST))


def _step_of(values: np.ndarray) -> int:
    """The largest step of which the values that are not rounded to 0 are multiples; 1 if there is none."""
    best = 1
    for step in STEPS:
        used = values[np.abs(values) > step / 2]
        if len(used) < FEWEST:
            break
        best = step if np.cos(2 * np.pi / step * used).mean() > COMB else best
    return best


def _middle(image: RGB8) -> UInt8[np.ndarray, "rows columns 3"]:
    """The middle of a large image, cut where JPEG's blocks begin."""
    first = [max(0, length - LARGEST) // 2 // BLOCK * BLOCK for length in image.shape[:2]]
    return image[first[0] : first[0] + LARGEST, first[1] : first[1] + LARGEST]
