"""Rows decoded a few at a time give what all of them at once give."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.strips import decode_in_strips
from arbsr_jax.models.extent import WHOLE, Extent
from arbsr_jax.models.network import SRNetwork
from tests.models.fixtures import SMALL, randomized


@pytest.mark.parametrize(
    ("upsampler", "scale", "rows"),
    [
        ("scale_aware", "2.37", 5),
        ("scale_aware", "2.5x3.5", 1),
        pytest.param("scale_aware", "2.5x3.5", 1000, marks=pytest.mark.slow),
        pytest.param("3x3", "2.5x3.5", 5, marks=pytest.mark.slow),
        ("bicubic", "2.37", 5),
        pytest.param("experts", "2.5x3.5", 5, marks=pytest.mark.slow),
        ("implicit", "2.5x3.5", 5),
    ],
)
def test_strips_equal_the_whole(rng, upsampler, scale, rows):
    changes = {"kernel_size": 3} if upsampler == "3x3" else {"upsampler": upsampler}
    config = dataclasses.replace(SMALL, **changes)
    parameters, network, scale = randomized(config), SRNetwork(config), Scale.of(scale)
    features = rng.normal(0, 20, (1, 9, 7, config.channels)).astype(np.float32)
    padded = make_grid(scale, scale.output_size(9, 7), canvas=(40, 36))
    decode = jax.jit(functools.partial(network.apply, method="decode"))
    in_strips = jax.jit(functools.partial(decode_in_strips, network, strip_bytes=rows * 4 * 36 * config.channels))
    table = network.apply({"params": parameters}, padded, method="phase_table")
    for extent, grid in ((WHOLE, padded.filled), (Extent(np.array([8, 7], np.int32)), padded)):
        whole = decode({"params": parameters}, features, extent, grid)
        inside = (slice(None), *(slice(0, n) for n in padded.size))
        for known in (None, table):
            result = in_strips(parameters, features, extent, grid, known)
            np.testing.assert_allclose(result[inside], whole[inside], atol=1e-3)
