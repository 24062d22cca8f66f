import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from arbsr_jax.ops.color import rgb_to_y
from arbsr_jax.ops.geometry import Scale
from arbsr_jax.ops.metrics import psnr_y, shave_border, shaved, ssim_y


@pytest.fixture
def noisy(photograph, rng):
    return np.clip(photograph + rng.normal(0, 12, photograph.shape), 0, 255).astype(np.uint8)


def test_psnr_equals_scikit_image(photograph, noisy):
    expected = peak_signal_noise_ratio(rgb_to_y(photograph), rgb_to_y(noisy), data_range=255)
    assert psnr_y(noisy, photograph) == pytest.approx(expected, abs=1e-6)


def test_ssim_equals_scikit_image(photograph, noisy):
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    expected = structural_similarity(rgb_to_y(photograph), rgb_to_y(noisy), **settings)
    assert ssim_y(noisy, photograph) == pytest.approx(expected, abs=1e-6)


def test_y_of_white_black_and_red():
    colours = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]], np.uint8)
    np.testing.assert_allclose(rgb_to_y(colours)[0], [235.0, 16.0, 81.481], atol=1e-12)


def test_equal_images_are_perfect(photograph):
    assert psnr_y(photograph, photograph) == math.inf
    assert ssim_y(photograph, photograph) == pytest.approx(1.0, abs=1e-12)


def test_border_is_ceil_of_each_factor(photograph, noisy):
    border = shave_border(Scale.of("2.5x3"))
    assert border == (3, 3)
    assert shave_border(Scale.of("4x1.5")) == (2, 4)
    assert psnr_y(noisy, photograph, (2, 4)) == psnr_y(noisy[2:-2, 4:-4], photograph[2:-2, 4:-4])
    assert shaved(photograph, (0, 0)).shape == photograph.shape


def test_images_of_different_shapes_are_refused(photograph):
    with pytest.raises(ValueError, match="shapes"):
        psnr_y(photograph, photograph[1:])


def test_nothing_to_score_is_nan(photograph):
    assert math.isnan(psnr_y(photograph[:4], photograph[:4], (2, 2)))
    assert math.isnan(ssim_y(photograph[:10], photograph[:10]))
