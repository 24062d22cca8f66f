import io
import zlib

import numpy as np
import pytest
import skimage.data
from PIL import Image
from scipy import ndimage

from arbsr_jax.evaluation.datasets import open_dataset
from arbsr_jax.evaluation.degraded import NAMES, blurred, compressed, noisy
from arbsr_jax.evaluation.protocols import PROTOCOLS, standard
from arbsr_jax.imaging.metrics import crop_border, quality_y
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
from tests.conftest import real_data


@pytest.fixture(scope="module")
def picture():
    return skimage.data.astronaut()[:160, :150]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", ["2", "2.5x3.5", "1"])
def test_lr_is_damaged_hr_is_that_of_standard_and_each_run_is_the_same(picture, name, scale):
    pair, clean = PROTOCOLS[name].pair(picture, Scale.of(scale)), standard(picture, Scale.of(scale))
    np.testing.assert_array_equal(pair.hr, clean.hr)
    assert pair.lr.shape == clean.lr.shape
    assert 1 < np.abs(pair.lr.astype(int) - clean.lr).mean() < 15
    np.testing.assert_array_equal(PROTOCOLS[name].pair(picture, Scale.of(scale)).lr, pair.lr)


def test_a_name_says_what_is_done_in_its_order(picture):
    hr, lr = PROTOCOLS["noise10-jpeg60"].pair(picture, Scale.of(2)).hr, standard(picture, Scale.of(2)).lr
    np.testing.assert_array_equal(
        PROTOCOLS["noise10-jpeg60"].pair(picture, Scale.of(2)).lr, compressed(noisy(lr, 10.0), 60.0)
    )
    smaller = imresize(blurred(picture, 1.2), height=80, width=75)
    np.testing.assert_array_equal(PROTOCOLS["blur1.2-jpeg75"].pair(hr, Scale.of(2)).lr, compressed(smaller, 75.0))


def test_noise_is_of_its_sigma_and_of_its_image():
    flat = np.full((200, 200, 3), 128, np.uint8)
    noise = noisy(flat, 10.0) - 128.0
    assert noise.std() == pytest.approx(10, rel=0.02)
    assert abs(np.corrcoef(noise.reshape(-1, 3).T) - np.eye(3)).max() < 0.03
    assert not np.array_equal(noisy(flat + 1, 10.0) - 129.0, noise)
    # numpy's old generator is frozen, so this is the same on every Python and numpy.
    assert zlib.crc32(noisy(flat[:8, :8], 10.0).tobytes()) == 0x0DBF9B3A


def test_blur_keeps_light_and_has_its_width():
    point = np.zeros((41, 41, 3), np.uint8)
    point[20, 20] = 255
    shape = ndimage.gaussian_filter(point.astype(float), (1.2, 1.2, 0))
    assert np.abs(blurred(point, 1.2) - shape).max() <= 0.5
    np.testing.assert_array_equal(blurred(np.full((9, 9, 3), 77, np.uint8), 1.2), 77)


def test_files_are_420_of_the_quality(picture):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=40, subsampling=2)
    np.testing.assert_array_equal(compressed(picture, 40.0), np.asarray(Image.open(file)))


@pytest.mark.parametrize(("name", "expected"), [("jpeg75", 28.88), ("jpeg40", 27.84), ("noise10", 28.39)])
def test_bicubic_of_every_tenth_image_of_b100(name, expected):
    """Beside figures that others measured with this codec and these settings."""
    scale, values = Scale.of(2), []
    for image in open_dataset(real_data("benchmark", "B100")).images[::10]:
        pair = PROTOCOLS[name].pair(image.load(), scale)
        values.append(quality_y(PROTOCOLS[name].enlarge(pair, scale), pair.hr, crop_border(scale)).psnr)
    assert np.mean(values) == pytest.approx(expected, abs=0.03)
