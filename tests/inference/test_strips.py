"""Rows decoded a few at a time give what all of them at once give."""

import dataclasses

import numpy as np
import pytest

from arbsr_jax.inference import strips
from arbsr_jax.models.area import WHOLE, Area
from arbsr_jax.models.network import SRNetwork
from arbsr_jax.ops.geometry import Scale, make_grid
from tests.models.fixtures import SMALL, randomized


@pytest.mark.parametrize("upsampler", ["scale_aware", "bicubic", "experts"])
@pytest.mark.parametrize("scale", ["2.5x3.5", "2.37"])
@pytest.mark.parametrize("rows", [1, 5, 1000])
def test_strips_equal_the_whole(rng, monkeypatch, upsampler, scale, rows):
    config = dataclasses.replace(SMALL, upsampler=upsampler)
    parameters, network, scale = randomized(config), SRNetwork(config), Scale.of(scale)
    features = rng.normal(0, 20, (1, 9, 7, 8)).astype(np.float32)
    grid = make_grid(scale, scale.output_size(9, 7), canvas=(40, 36))
    monkeypatch.setattr(strips, "STRIP_BYTES", rows * 4 * 36 * 8)
    for area, canvas in ((WHOLE, WHOLE), (Area(np.array([8, 7], np.int32)), Area(grid.size))):
        whole = network.apply({"params": parameters}, features, grid, area, canvas, method="decode")
        found = strips.decode_in_strips(network, parameters, features, grid, area, canvas)
        inside = (slice(None), *(slice(0, n) for n in grid.size))
        np.testing.assert_allclose(found[inside], whole[inside], atol=1e-3)
