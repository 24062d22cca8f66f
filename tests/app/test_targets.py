"""Sizes and shapes in people's words."""

from fractions import Fraction

import pytest

from arbsr_jax import ArbsrError
from arbsr_jax.app.targets import Target
from arbsr_jax.imaging.scale import Size

DVD = Fraction(8, 9)  # pixels of 720x480 at 4:3


@pytest.mark.parametrize(
    ("flags", "size", "pixel", "expected"),
    [
        ({"scale": "1"}, (480, 720), DVD, (720, 540)),
        ({"scale": "2"}, (480, 720), DVD, (1440, 1080)),
        ({"scale": "1"}, (576, 720), Fraction(16, 15), (768, 576)),
        ({"scale": "1"}, (576, 720), Fraction(64, 45), (1024, 576)),
        ({"scale": "1.5x2"}, (480, 720), DVD, (1080, 1080)),
        ({"scale": "2"}, (480, 720), Fraction(1), (1440, 960)),
        ({"scale": None, "size": "1440x"}, (480, 720), DVD, (1440, 1080)),
        ({"scale": None, "size": "x1080"}, (480, 720), DVD, (1440, 1080)),
        ({"scale": None, "size": "1000x900"}, (480, 720), DVD, (1000, 900)),
    ],
)
def test_pixels_become_square(flags, size, pixel, expected):
    target = Target(**{"size": None} | flags, square_pixels=True)
    assert target.pixels(*size, pixel) == expected
    assert target.makes_square_pixels(pixel) == (pixel != 1)
    assert not Target(**{"size": None} | flags).makes_square_pixels(pixel)


@pytest.mark.parametrize(
    ("aspect", "scale", "size", "expected"),
    [
        ("16:9", "2", (480, 720), (1707, 960)),
        ("4:3", "2", (480, 720), (1440, 1080)),
        ("1:1", "1", (203, 301), (301, 301)),
        ("16:9", "1", (1080, 1920), (1920, 1080)),
        ("1:2", "1.5x2", (100, 100), (150, 300)),
    ],
)
def test_the_axis_that_is_too_short_is_enlarged_more(aspect, scale, size, expected):
    target = Target(scale, None, aspect)
    assert target.pixels(*size) == expected
    assert target.makes_square_pixels(DVD)  # the shape is that of the picture as it is seen


@pytest.mark.parametrize(
    ("scale", "size", "aspect"), [("2", None, "16x9"), ("2", None, "16:0"), (None, "1920x1080", "16:9")]
)
def test_what_is_not_understood_is_said(scale, size, aspect):
    with pytest.raises(ArbsrError, match="give width:height"):
        Target(scale, size, aspect)


def test_sizes_are_width_by_height():
    assert Size.of("48x32") == (32, 48)
    with pytest.raises(ArbsrError, match="width x height"):
        Size.of("0x32")
