import numpy as np
import pytest

from arbsr_jax import ArbsrError, Upscaler
from arbsr_jax.checkpoint import Model
from arbsr_jax.models.config import scale_specific
from tests.models.fixtures import SMALL, randomized


@pytest.fixture(scope="module")
def upscaler():
    return Upscaler(Model("small", SMALL, randomized(SMALL), {}))


def test_scale_is_horizontal_by_vertical_and_rounds_half_up(upscaler, photograph):
    result = upscaler.upscale(photograph[:21, :31], scale=(2.5, 3.5))
    assert result.shape == (74, 78, 3)  # 73.5 and 77.5
    assert result.dtype == np.uint8


def test_size_is_width_by_height_and_exact(upscaler, photograph):
    assert upscaler.upscale(photograph, size=(101, 83)).shape == (83, 101, 3)


def test_size_equals_the_scale_that_gives_it(upscaler, photograph):
    by_scale = upscaler.upscale(photograph, scale="2x3")
    np.testing.assert_array_equal(upscaler.upscale(photograph, size=(94, 183)), by_scale)


def test_programs_are_shared_between_scales(photograph):
    """One encodes; one decodes, for each length of padded phase tables: here up to 16."""
    upscaler = Upscaler(Model("small", SMALL, randomized(SMALL), {}))
    for scale in ("2", "1.1", "2.5x3.5", "4", "8x3.2"):
        upscaler.upscale(photograph[:20, :30], scale=scale)
    assert upscaler.programs == 2


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "either"),
        ({"scale": 2, "size": (90, 90)}, "either"),
        ({"scale": 9}, "from 1 to 8"),
        ({"size": (20, 90)}, "from 1 to 8"),
        ({"size": (0, 0)}, "from 1 to 8"),
    ],
)
def test_wrong_targets_are_refused(upscaler, photograph, arguments, named):
    with pytest.raises(ArbsrError, match=named):
        upscaler.upscale(photograph, **arguments)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3), np.uint8),
        "x",
    ],
)
def test_wrong_images_are_refused(upscaler, image):
    with pytest.raises(ArbsrError, match="image is"):
        upscaler.upscale(image, scale=2)


def test_a_scale_specific_network_says_its_scale(photograph):
    config = scale_specific(SMALL, 3)
    upscaler = Upscaler(Model("edsr-x3", config, randomized(config), {}))
    assert upscaler.upscale(photograph, scale=3).shape == (183, 141, 3)
    with pytest.raises(ArbsrError, match="scale 3 alone"):
        upscaler.upscale(photograph, scale=2)
