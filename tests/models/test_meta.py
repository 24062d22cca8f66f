"""Meta-SR's upsampler: positions counted from the corner, and pieces that are parts of the whole."""

from fractions import Fraction

import numpy as np
import pytest

from arbsr_jax import Upscaler
from arbsr_jax.imaging.grid import axis_phases
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import ModelConfig, meta
from arbsr_jax.models.meta import corner_phases
from tests.models.fixtures import randomized

SMALL_RDN = ModelConfig("rdn", blocks=2, channels=4, dense_layers=2, growth=4, interval=1)


@pytest.mark.parametrize("factor", ["1", "2", "3", "5/2", "11/10", "237/100", "7/3", "8"])
def test_positions_are_those_of_the_corner(factor):
    """floor(x / r) and x / r - floor(x / r), in fractions."""
    factor = Fraction(factor)
    axis = axis_phases(factor, 300)
    below, offset = (np.asarray(values)[axis.phase] for values in corner_phases(axis, np.float32(factor)))
    exact = [Fraction(x) / factor for x in range(300)]
    np.testing.assert_array_equal(axis.base + below, [int(position) for position in exact])
    np.testing.assert_allclose(offset, [float(position % 1) for position in exact], atol=1e-6)


@pytest.mark.parametrize("config", [meta(SMALL_RDN), SMALL_RDN], ids=["meta", "ArbRDN"])
def test_tiles_are_parts_of_the_whole(config, photograph):
    model, image = Model("small", config, randomized(config), {}), np.tile(photograph, (2, 2, 1))
    whole, tiles = (Upscaler(model, tile=tile).upscale(image, "1.7x2.5").astype(int) for tile in (0, 64))
    assert np.ptp(whole) > 1
    assert np.abs(whole - tiles).max() <= 1
