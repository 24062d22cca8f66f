import numpy as np
import pytest
import skimage.data

from arbsr_jax.evaluation.degraded import compressed, noisy
from arbsr_jax.evaluation.protocols import PROTOCOLS
from arbsr_jax.imaging.damage import jpeg_step, noise_sigma, restore_strength
from arbsr_jax.imaging.image_files import read_rgb
from arbsr_jax.imaging.scale import Scale
from tests.conftest import real_data


@pytest.fixture(scope="module")
def picture():
    return skimage.data.astronaut()


@pytest.mark.parametrize(("quality", "step"), [(40, 15.5), (60, 10), (75, 6.5), (85, 4)])
def test_the_step_is_that_of_libjpegs_table(picture, quality, step):
    """The median of the table's first frequencies: 16 11 10 / 12 12 14 / 14 13 16 at quality 50."""
    assert jpeg_step(compressed(picture, float(quality))) == pytest.approx(step, abs=1)
    large = np.tile(compressed(picture, float(quality)), (3, 3, 1))
    assert jpeg_step(large) == pytest.approx(step, abs=1)  # of the middle: the blocks still fit


def test_no_other_image_has_a_step(picture):
    assert jpeg_step(picture) == 1
    assert jpeg_step(noisy(picture, 10.0)) == 1
    assert jpeg_step(picture[:5, :5]) == 1
    assert jpeg_step(np.full((64, 64, 3), 7, np.uint8)) == 1


@pytest.mark.parametrize("sigma", [5.0, 10.0, 20.0])
def test_the_sigma_of_noise_is_told_from_smooth_places(sigma):
    smooth = np.broadcast_to(np.linspace(60, 190, 256)[:, None, None], (256, 256, 3)).astype(np.uint8)
    assert noise_sigma(noisy(smooth, sigma)) == pytest.approx(sigma, rel=0.25)
    assert noise_sigma(smooth) < 0.6
    assert noise_sigma(smooth[:7, :7]) == 0


@pytest.mark.parametrize(
    ("protocol", "low", "high"), [("standard", 0, 0.15), ("jpeg75", 0.9, 1), ("jpeg40", 0.9, 1), ("noise10", 0.85, 1)]
)
def test_the_dial_of_real_photographs(protocol, low, high):
    """The mean over every fourth image of B100 at half its size."""
    files = sorted(real_data("benchmark", "B100", "HR").iterdir())[::4]
    strengths = [restore_strength(PROTOCOLS[protocol].pair(read_rgb(file), Scale.of(2)).lr) for file in files]
    assert low <= np.mean(strengths) <= high
