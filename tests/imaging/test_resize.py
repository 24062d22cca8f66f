from fractions import Fraction

import numpy as np
import pytest

from arbsr_jax.imaging.image_files import read_rgb
from arbsr_jax.imaging.resize import contributions, imresize, reflect
from arbsr_jax.imaging.scale import Scale
from tests.conftest import real_data

NAMES = ("baby", "bird", "butterfly", "head", "woman")


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", NAMES)
def test_equals_matlab_bit_for_bit(name, scale):
    folder = real_data("benchmark", "Set5")
    hr = read_rgb(folder / "HR" / f"{name}.png")
    golden = read_rgb(folder / "LR_bicubic" / f"X{scale}.00" / f"{name}.png")
    height, width = (length // scale for length in hr.shape[:2])
    result = imresize(hr[: height * scale, : width * scale], height=height, width=width)
    np.testing.assert_array_equal(result, golden)


@pytest.mark.parametrize("scale", ["1.50", "2.50", "3.50"])
@pytest.mark.parametrize("name", NAMES)
def test_equals_matlab_inside_at_non_integer_scales(name, scale):
    """The golden files were made with an older border rule: 8 pixels at the rim are left out."""
    folder = real_data("golden", "set5_noninteger")
    hr = read_rgb(folder / "HR" / f"{name}.png")
    golden = read_rgb(folder / f"X{scale}" / f"{name}.png")
    factor = Fraction(scale)
    height, width = (length if length % factor == 0 else length - 4 for length in hr.shape[:2])
    result = imresize(hr[:height, :width], scale=1 / factor)
    assert result.shape == golden.shape
    difference = np.abs(result.astype(int) - golden)[8:-8, 8:-8]
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.005


def reference(line: np.ndarray, length: int) -> np.ndarray:
    """One axis by the textbook, a loop over pixels and taps in float64."""
    scale = length / len(line)
    shrink = min(scale, 1.0)
    result = np.zeros(length)
    for x in range(length):
        centre = (x + 0.5) / scale - 0.5
        taps = range(int(np.floor(centre - 2 / shrink)) - 1, int(np.ceil(centre + 2 / shrink)) + 2)
        weights = []
        for tap in taps:
            d = abs(shrink * (centre - tap))
            near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
            weights.append(near if d <= 1 else far if d <= 2 else 0.0)
        for tap, weight in zip(taps, weights, strict=True):
            inside = tap % (2 * len(line))
            result[x] += weight / sum(weights) * line[min(inside, 2 * len(line) - 1 - inside)]
    return result


@pytest.mark.parametrize("size", [(30, 20), (61, 47), (17, 133), (200, 9), (1, 1)])
def test_floats_equal_the_textbook(photograph, size):
    image = photograph[..., 0].astype(np.float64)
    expected = np.apply_along_axis(reference, 0, image, size[0])
    expected = np.apply_along_axis(reference, 1, expected, size[1])
    np.testing.assert_allclose(imresize(image, height=size[0], width=size[1]), expected, atol=1e-9)


def test_same_size_is_the_identity(photograph):
    np.testing.assert_array_equal(imresize(photograph, height=61, width=47), photograph)


def test_flat_images_stay_flat():
    flat = np.full((31, 40, 3), 137, np.uint8)
    for height, width in ((7, 91), (62, 13)):
        assert (imresize(flat, height=height, width=width) == 137).all()


def test_scale_gives_ceil_sizes(photograph):
    assert imresize(photograph, scale=Fraction(10, 25)).shape == (25, 19, 3)  # 24.4 and 18.8
    assert imresize(photograph, scale=2.0).shape == (122, 94, 3)


@pytest.mark.parametrize("factor", [Fraction(11, 10), Fraction(17, 10), Fraction(5, 2), Fraction(39, 10)])
def test_weights_do_not_depend_on_where_a_crop_begins(factor):
    taps, weights = contributions(factor, 40)
    shifted_taps, shifted = contributions(factor, 40, start=7 * factor.denominator)
    np.testing.assert_array_equal(shifted, weights)
    np.testing.assert_array_equal(shifted_taps, taps + 7 * factor.numerator)


def test_reflection_repeats_the_border():
    assert reflect(np.arange(-4, 7), 3).tolist() == [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]


def test_a_scale_names_its_axes(photograph):
    assert imresize(photograph, scale=Scale.of("3x2")).shape == (122, 141, 3)  # horizontal x vertical
    assert imresize(photograph, scale=Scale.of("3x2").inverse).shape == (31, 16, 3)  # 30.5 and 15.7


def test_bare_pairs_fail_loudly(photograph):
    """A pair of numbers has two orders: only `Scale` and named sides are accepted."""
    with pytest.raises((TypeError, ValueError)):
        imresize(photograph, scale=(2, 3))
    with pytest.raises(TypeError, match="size"):
        imresize(photograph, size=(30, 20))
    with pytest.raises(TypeError, match="positional"):
        imresize(photograph, (30, 20))


@pytest.mark.parametrize(
    "wrong", [{}, {"height": 3, "width": 3, "scale": 2.0}, {"height": 0, "width": 3}, {"width": 3}]
)
def test_wrong_arguments_are_refused(photograph, wrong):
    with pytest.raises(ValueError, match="imresize"):
        imresize(photograph, **wrong)
