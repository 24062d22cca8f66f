import math

import numpy as np
import pytest
from scipy.ndimage import correlate1d
from skimage.metrics import peak_signal_noise_ratio

from arbsr_jax.imaging.metrics import crop_border, quality_y, rgb_to_y
from arbsr_jax.imaging.scale import Scale


def textbook_ssim(a, b):
    """Wang et al. 2004 in float64: Gaussian 11x11, sigma 1.5, K1 = 0.01, K2 = 0.03, over the valid area."""
    window = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(x):
        return correlate1d(correlate1d(x, window, axis=0), window, axis=1)[5:-5, 5:-5]

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = mean(a), mean(b)
    variances = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return np.mean(luminance * (2 * covariance + c2) / (variances + c2))


@pytest.fixture
def noisy(photograph, rng):
    return np.clip(photograph + rng.normal(0, 12, photograph.shape), 0, 255).astype(np.uint8)


def test_psnr_equals_scikit_image(photograph, noisy):
    expected = peak_signal_noise_ratio(rgb_to_y(photograph), rgb_to_y(noisy), data_range=255)
    assert quality_y(noisy, photograph).psnr == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("gain", [1.0, 256 / 255])
def test_ssim_equals_the_textbook(photograph, noisy, gain):
    stretched = (16 + gain * (rgb_to_y(image) - 16) for image in (noisy, photograph))
    expected = textbook_ssim(*stretched)
    assert 0.5 < expected < 0.99
    assert quality_y(noisy, photograph, luma_gain=gain).ssim == pytest.approx(expected, abs=1e-9)


def test_y_of_white_black_and_red():
    colours = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]], np.uint8)
    np.testing.assert_allclose(rgb_to_y(colours)[0], [235.0, 16.0, 81.481], atol=1e-12)


def test_equal_images_are_perfect(photograph):
    perfect = quality_y(photograph, photograph)
    assert perfect.psnr == math.inf
    assert perfect.ssim == pytest.approx(1.0, abs=1e-12)


def test_border_is_ceil_of_each_factor(photograph, noisy):
    border = crop_border(Scale.of("2.5x3"))
    assert border == (3, 3)
    assert crop_border(Scale.of("4x1.5")) == (2, 4)
    assert quality_y(noisy, photograph, (2, 4)) == quality_y(noisy[2:-2, 4:-4], photograph[2:-2, 4:-4])


def test_images_of_different_shapes_are_refused(photograph):
    with pytest.raises(ValueError, match="shapes"):
        quality_y(photograph, photograph[1:])


def test_nothing_to_score_is_nan(photograph):
    assert math.isnan(quality_y(photograph[:4], photograph[:4], (2, 2)).psnr)
    assert math.isnan(quality_y(photograph[:10], photograph[:10]).ssim)
