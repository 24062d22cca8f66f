"""What benchmarks count, against closed forms."""

import pytest

from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.config import scale_specific
from benchmarks import roofline
from tests.models.fixtures import SMALL, randomized


def test_operations_of_a_network_of_convs():
    """Head, two blocks and the body's conv are encoded; one conv to 4 times the channels, and the tail, are decoded."""
    config, (height, width) = scale_specific(SMALL, 2), (96, 128)
    found = roofline.operations(config, randomized(config), Scale.of(2), (height, width))

    def conv(inputs, outputs, pixels=height * width):
        return 2 * 9 * inputs * outputs * pixels

    channels = config.channels
    encoded = conv(3, channels) + (2 * config.blocks + 1) * conv(channels, channels)
    decoded = conv(channels, 4 * channels) + conv(channels, 3, 4 * height * width)
    assert found == pytest.approx((encoded, decoded), rel=0.06)  # sums and borders beside
